namespace Runner.Certificates;

/// <summary>A certificate, key or certificate file is not usable; the message is one sentence for people and holds no secret.</summary>
sealed class CertificateProblem(string message, Exception? inner = null) : Exception(message, inner);
