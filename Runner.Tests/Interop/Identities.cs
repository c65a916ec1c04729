using System.Security.Cryptography.X509Certificates;
using Runner.Tests.Grpc;

namespace Runner.Tests.Grpc.Interop;

/// <summary>An authority, a server and a client it vouches for, and a stranger; in memory and as PEM files.</summary>
internal sealed class Identities : IDisposable
{
    private readonly X509Certificate2 _authority = TestCertificate.NewAuthority("authority");
    private readonly X509Certificate2 _otherAuthority = TestCertificate.NewAuthority("other authority");
    private readonly X509Certificate2 _stranger;

    public Identities()
    {
        (Server, Client) = (TestCertificate.New(_authority, "server"), TestCertificate.New(_authority, "client"));
        _stranger = TestCertificate.New(_otherAuthority, "stranger");
        File.WriteAllText(Path.Combine(Folder, "authority.pem"), _authority.ExportCertificatePem());
        foreach (var (name, certificate) in new[] { ("server", Server), ("client", Client), ("stranger", _stranger) })
        {
            File.WriteAllText(Path.Combine(Folder, $"{name}.pem"), certificate.ExportCertificatePem());
            File.WriteAllText(Path.Combine(Folder, $"{name}.key.pem"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("runner-interop-").FullName;

    public X509Certificate2 Server { get; }

    public X509Certificate2 Client { get; }

    public X509ChainPolicy NewPolicy() => new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority }, RevocationMode = X509RevocationMode.NoCheck };

    public bool Vouches(X509Certificate2 certificate)
    {
        using var chain = new X509Chain { ChainPolicy = NewPolicy() };
        return chain.Build(certificate);
    }

    public void Dispose()
    {
        foreach (var certificate in new[] { _authority, _otherAuthority, _stranger, Server, Client }) certificate.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
