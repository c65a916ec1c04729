using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Runner.Certificates;

/// <summary>The names and addresses a server certificate is good for. Every one is valid.</summary>
sealed class HostNames
{
    // The upper bound of a common name (RFC 5280, ub-common-name).
    private const int LongestTitle = 64;

    private readonly List<string> _names = [];
    private readonly List<IPAddress> _addresses = [];

    private HostNames() { }

    /// <summary>What the certificate is called: its first name.</summary>
    public string Title { get; private set; } = "runner server";

    /// <summary>The hosts asked for, then this machine's own name, localhost and the loopback addresses.</summary>
    /// <exception cref="CertificateProblem">One of them is neither a host name nor an IP address.</exception>
    public static HostNames ForServer(IEnumerable<string> hosts)
    {
        var names = new HostNames();
        foreach (var host in hosts)
            if (!names.TryAdd(host))
                throw new CertificateProblem($"'{Printable.Of(host)}' is neither a host name nor an IP address; write it as build1.example.com, *.example.com, 10.0.0.7 or fd00::7");
        // A machine name that is no DNS name is nothing a client could ask for.
        names.TryAdd(Environment.MachineName);
        foreach (var own in (string[])["localhost", "127.0.0.1", "::1"]) names.TryAdd(own);
        return names;
    }

    public X509Extension ToExtension()
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in _names) builder.AddDnsName(name);
        foreach (var address in _addresses) builder.AddIpAddress(address);
        return builder.Build();
    }

    /// <summary>The names and addresses a certificate is good for, in its order.</summary>
    public static IEnumerable<string> Of(X509Certificate2 certificate)
    {
        var extensions = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().ToList();
        return extensions.SelectMany(extension => extension.EnumerateDnsNames())
            .Concat(extensions.SelectMany(extension => extension.EnumerateIPAddresses()).Select(address => address.ToString()));
    }

    /// <summary>Whether a host asked for can go into a certificate.</summary>
    public static bool IsHost(string text) => TryParseAddress(text, out _) || IsName(text);

    public static bool TryParseAddress(string text, out IPAddress address)
    {
        // The platform also reads "1" and "1.2" as IPv4 addresses; nobody who writes a certificate means that.
        var parsed = IPAddress.TryParse(text, out var value) && !text.Contains('%', StringComparison.Ordinal) && !text.Contains('[', StringComparison.Ordinal)
            && (value.AddressFamily is AddressFamily.InterNetworkV6 || value.ToString() == text);
        address = parsed ? value! : IPAddress.None;
        return parsed;
    }

    public static bool IsName(string text)
    {
        var labels = (text.StartsWith("*.", StringComparison.Ordinal) ? text[2..] : text).Split('.');
        return text.Length is > 0 and <= 253
            && labels.All(label => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-'
                && label.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_'))
            // A last label of digits would be taken for an address.
            && !labels[^1].All(char.IsAsciiDigit);
    }

    private bool TryAdd(string host)
    {
        if (TryParseAddress(host, out var address))
        {
            if (!_addresses.Contains(address)) _addresses.Add(address);
        }
        else if (IsName(host))
        {
            if (!_names.Contains(host, StringComparer.OrdinalIgnoreCase)) _names.Add(host);
        }
        else return false;
        if (_names.Count + _addresses.Count == 1 && host.Length <= LongestTitle) Title = host;
        return true;
    }
}
