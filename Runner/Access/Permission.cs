namespace Runner.Access;

/// <summary>What a call asks for. Each RPC needs exactly one.</summary>
enum Permission
{
    /// <summary>Start a job.</summary>
    Start,

    /// <summary>See a job's state, or list jobs.</summary>
    Look,

    /// <summary>Read or follow a job's output, or wait for its end.</summary>
    Follow,

    /// <summary>Stop or signal a job.</summary>
    Stop,

    /// <summary>Ask about the server itself: its health, its services, its version.</summary>
    Inspect,
}
