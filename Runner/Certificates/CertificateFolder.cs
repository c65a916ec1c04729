using Runner.Access;

namespace Runner.Certificates;

/// <summary>A folder with both authorities and the certificates they made: what `runner certs` works on.</summary>
sealed class CertificateFolder(string path)
{
    public const string ServerAuthority = "server-ca.pem";
    public const string ServerAuthorityKey = "server-ca-key.pem";
    public const string ClientAuthority = "client-ca.pem";
    public const string ClientAuthorityKey = "client-ca-key.pem";
    public const string Server = "server.pem";
    public const string Admin = "admin.pem";

    /// <summary>Everything <see cref="Initialise"/> writes; the server's certificate comes last, so that it stands for the whole set.</summary>
    public static IReadOnlyList<string> All { get; } =
        [ServerAuthorityKey, ServerAuthority, ClientAuthorityKey, ClientAuthority, Admin, Server];

    private static readonly string[] Reserved = ["server-ca", "server-ca-key", "client-ca", "client-ca-key", "server", "server-key", "admin", "admin-key"];

    public string At(string file) => Path.Combine(path, file);

    /// <summary>Makes both authorities, a server certificate and an administrator's.</summary>
    /// <param name="rsaBits">None makes EC P-256 keys.</param>
    /// <returns>The paths written.</returns>
    /// <exception cref="CertificateProblem">A host is malformed, a file exists already or cannot be written.</exception>
    public IReadOnlyList<string> Initialise(IEnumerable<string> hosts, int? rsaBits = null, int days = CertificateAuthority.LeafDays)
    {
        var now = DateTimeOffset.UtcNow;
        using var servers = CertificateAuthority.Create(AuthorityName("server"), rsaBits, now);
        using var clients = CertificateAuthority.Create(AuthorityName("client"), rsaBits, now);
        var server = servers.IssueServer(hosts, days, now);
        var admin = clients.IssueClient("admin", Role.Admin, days, now);
        return NewFiles.Write(path,
        [
            new(ServerAuthorityKey, servers.ExportKey() + "\n", secret: true),
            new(ServerAuthority, servers.CertificatePem + "\n", secret: false),
            new(ClientAuthorityKey, clients.ExportKey() + "\n", secret: true),
            new(ClientAuthority, clients.CertificatePem + "\n", secret: false),
            new(Admin, admin.Both, secret: true),
            new(Server, server.Both, secret: true),
        ]);
    }

    /// <returns>The path written: NAME.pem, certificate and key.</returns>
    /// <exception cref="CertificateProblem">The name cannot be used, or the client authority is not here.</exception>
    public string AddClient(string name, Role role, int days = CertificateAuthority.LeafDays)
    {
        RequireName(name);
        using var authority = CertificateAuthority.Load(At(ClientAuthority), At(ClientAuthorityKey));
        return NewFiles.Write(path, [new(name + ".pem", authority.IssueClient(name, role, days, DateTimeOffset.UtcNow).Both, secret: true)])[0];
    }

    /// <summary>Another server certificate from the same authority: for another machine, or to replace one that runs out.</summary>
    public string AddServer(string name, IEnumerable<string> hosts, int days = CertificateAuthority.LeafDays)
    {
        RequireName(name);
        using var authority = CertificateAuthority.Load(At(ServerAuthority), At(ServerAuthorityKey));
        return NewFiles.Write(path, [new(name + ".pem", authority.IssueServer(hosts, days, DateTimeOffset.UtcNow).Both, secret: true)])[0];
    }

    /// <summary>Whether NAME can become NAME.pem and a certificate's common name, and be mistaken for nothing else here.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(name[0])
        && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-' or '+' or '@')
        && !name.EndsWith("-key", StringComparison.OrdinalIgnoreCase)
        && !Reserved.Contains(name, StringComparer.OrdinalIgnoreCase);

    public static string InvalidName(string name) =>
        $"'{Printable.Of(name)}' cannot be a certificate's name; use 1 to 64 letters, digits and . _ - + @, beginning with a letter or digit, not ending in -key, and none of {string.Join(", ", Reserved)}";

    private static void RequireName(string name)
    {
        if (!IsName(name)) throw new CertificateProblem(InvalidName(name));
    }

    // 64 characters are the upper bound of a common name (RFC 5280).
    private static string AuthorityName(string kind)
    {
        var name = $"runner {kind} CA {Environment.MachineName}";
        return name.Length <= 64 ? name : name[..64];
    }
}
