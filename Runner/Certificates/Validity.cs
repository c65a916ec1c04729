using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>Whether a certificate is good at a moment, and the sentence when it is not.</summary>
static class Validity
{
    /// <exception cref="CertificateProblem">It is expired, or not valid yet.</exception>
    public static void Check(X509Certificate2 certificate, string file, DateTimeOffset now)
    {
        if (now > certificate.NotAfter)
            throw new CertificateProblem($"the certificate in {file} expired on {Text(certificate.NotAfter)}; make a new one with `runner certs`");
        if (now < certificate.NotBefore)
            throw new CertificateProblem($"the certificate in {file} is not valid before {Text(certificate.NotBefore)}; is this machine's clock right?");
    }

    /// <summary>The platform gives certificate times as local; people compare them across machines.</summary>
    public static string Text(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
