namespace Runner.Access;

/// <summary>Which role may do what. Anything not allowed here is refused.</summary>
static class Policy
{
    public static bool Allows(Role role, Permission permission) => role switch
    {
        Role.Admin or Role.Writer => true,
        Role.User => permission is not Permission.Stop,
        Role.Reader => permission is Permission.Look or Permission.Follow or Permission.Inspect,
        _ => false,
    };

    /// <summary>Whether the caller may know the values of a job's environment, where secrets are passed.</summary>
    public static bool MaySeeEnvironment(Caller caller, string owner) =>
        caller.Role is Role.Admin || string.Equals(caller.Name, owner, StringComparison.Ordinal);

    /// <summary>Whether the caller may know of everybody's jobs.</summary>
    public static bool SeesAll(Caller caller) => caller.Role is Role.Admin or Role.Reader;

    /// <summary>Whether the caller may know of a job with this owner at all.</summary>
    public static bool MaySee(Caller caller, string owner) =>
        SeesAll(caller) || string.Equals(caller.Name, owner, StringComparison.Ordinal);
}
