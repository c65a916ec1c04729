namespace Runner.Certificates;

/// <summary>A new certificate and its private key, both as PEM. Not a record: printing it must not show the key.</summary>
sealed class IssuedCertificate(string certificate, string key)
{
    public string Certificate { get; } = certificate;

    public string Key { get; } = key;

    /// <summary>Both in one text, certificate first.</summary>
    public string Both => Certificate + "\n" + Key + "\n";
}
