namespace Runner.Bench.Programs;

/// <summary>A folder for one figure, with certificates when they are asked for; gone afterwards.</summary>
sealed class BenchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("runner-bench-").FullName;

    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Both authorities, a server's and an administrator's certificate, as `runner certs init` makes them.</summary>
    public void MakeCertificates() => new Certificates.CertificateFolder(At("certs")).Initialise([]);

    public string Certificate(string name) => At($"certs/{name}.pem");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
