namespace Runner.Client;

/// <summary>The client's settings as they were given on the command line; none of them needs to be.</summary>
sealed record ClientFlags(string? Server = null, string? Certificate = null, string? Key = null, string? Authority = null);

/// <summary>Which server to call, as whom, and whom to believe.</summary>
/// <param name="Server">Always https with a port.</param>
/// <param name="Key">None when it is in the certificate's file or beside it.</param>
sealed record ClientProfile(Uri Server, string Certificate, string? Key, string Authority)
{
    /// <summary>Where a server listens and a client looks unless told otherwise.</summary>
    public const int DefaultPort = 7443;

    public const string MachineFolder = "/etc/runner";

    /// <summary>
    /// Each setting is taken from the first place that has it: flags, environment (RUNNER_SERVER, RUNNER_CERT, RUNNER_KEY, RUNNER_CA),
    /// the user's folder (~/.config/runner: server, client.pem, server-ca.pem), the machine's (/etc/runner: server, admin.pem, server-ca.pem).
    /// A key is only ever taken from the place its certificate came from. Without a server it is this machine.
    /// </summary>
    /// <param name="readFile">A file's text, or nothing where there is no such file.</param>
    /// <exception cref="ClientProfileException">Something is missing or malformed; the message says what to set.</exception>
    public static ClientProfile Resolve(ClientFlags flags, Func<string, string?> environment, Func<string, bool> exists, Func<string, string?> readFile)
    {
        foreach (var (option, value) in new[] { ("--server", flags.Server), ("--cert", flags.Certificate), ("--key", flags.Key), ("--ca", flags.Authority) })
            if (value is not null && Given(value) is null) throw new ClientProfileException($"{option}: must not be empty");

        var folders = new List<string>();
        if (UserFolder(environment) is { } user) folders.Add(user);
        folders.Add(MachineFolder);

        var server = Given(flags.Server) ?? Given(environment("RUNNER_SERVER"))
            ?? folders.Select(folder => Given(readFile(Path.Combine(folder, "server")))).FirstOrDefault(text => text is not null)
            ?? $"127.0.0.1:{DefaultPort}";

        var certificate = Given(flags.Certificate) ?? Given(environment("RUNNER_CERT"));
        var key = Given(flags.Key) ?? (Given(flags.Certificate) is null && certificate is not null ? Given(environment("RUNNER_KEY")) : null);
        certificate ??= First(exists, folders.Select(folder => Path.Combine(folder, folder == MachineFolder ? "admin.pem" : "client.pem")))
            ?? throw new ClientProfileException($"no client certificate; set --cert or RUNNER_CERT, or put one at {Path.Combine(folders[0], "client.pem")}");

        var authority = Given(flags.Authority) ?? Given(environment("RUNNER_CA"))
            ?? First(exists, folders.Select(folder => Path.Combine(folder, "server-ca.pem")).Append(Path.Combine(Path.GetDirectoryName(certificate) ?? "", "server-ca.pem")))
            ?? throw new ClientProfileException($"no certificate authority to recognise the server by; set --ca or RUNNER_CA, or put the server's server-ca.pem at {Path.Combine(folders[0], "server-ca.pem")}");
        return new(ServerAddress.Parse(server), certificate, key, authority);
    }

    /// <summary>The same with this process's environment and files.</summary>
    public static ClientProfile Resolve(ClientFlags flags) =>
        Resolve(flags, Environment.GetEnvironmentVariable, File.Exists, Read);

    /// <summary>A file's text, or nothing where there is no such file.</summary>
    /// <exception cref="ClientProfileException">There is one and it cannot be read.</exception>
    public static string? Read(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClientProfileException($"cannot read {path}: {e.Message.TrimEnd('.')}");
        }
    }

    private static string? UserFolder(Func<string, string?> environment) =>
        Given(environment("XDG_CONFIG_HOME")) is { } config ? Path.Combine(config, "runner")
        : Given(environment("HOME")) is { } home ? Path.Combine(home, ".config", "runner")
        : null;

    private static string? First(Func<string, bool> exists, IEnumerable<string> paths) => paths.FirstOrDefault(exists);

    // An empty variable is how a shell says "not set".
    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
