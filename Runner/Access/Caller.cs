namespace Runner.Access;

/// <summary>Who is asking: the name and the role that a verified client certificate carries.</summary>
/// <param name="Name">The certificate's common name; never empty.</param>
/// <param name="Role">What the certificate entitles to.</param>
sealed record Caller(string Name, Role Role);
