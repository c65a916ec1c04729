namespace Runner.Client;

/// <summary>Reads a server's address as people write it.</summary>
static class ServerAddress
{
    /// <summary>HOST, HOST:PORT, [IPV6]:PORT or a bare IPv6 address; https:// in front is allowed.</summary>
    /// <exception cref="ClientProfileException">It is none of these.</exception>
    public static Uri Parse(string text)
    {
        var rest = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? text[8..].TrimEnd('/') : text;
        // More than one colon and no bracket: an IPv6 address alone.
        if (!rest.StartsWith('[') && rest.Count(character => character == ':') > 1) rest = $"[{rest}]";
        var hasPort = rest.LastIndexOf(':') > rest.LastIndexOf(']');
        if (!hasPort) rest += $":{ClientProfile.DefaultPort}";
        return rest.IndexOfAny(['/', '@', '?', '#', '\\', ' ', '%']) < 0 && char.IsAsciiDigit(rest[^1])
            && Uri.TryCreate("https://" + rest, UriKind.Absolute, out var address) && address is { Host.Length: > 0, Port: > 0 }
            ? address
            : throw new ClientProfileException($"'{text}' is not a server address; write HOST, HOST:PORT or [IPV6]:PORT");
    }
}
