namespace Runner.Access;

/// <summary>Who is asking: the name and the role that a verified client certificate carries.</summary>
/// <param name="Name">The certificate's common name; never empty.</param>
/// <param name="Role">What the certificate entitles to.</param>
sealed record Caller(string Name, Role Role)
{
    /// <summary>What the server does by itself is recorded under this name, so nobody else can have it.</summary>
    public const string Server = "server";
}
