using Grpc.Core;

namespace Grpc.Shared;

/// <summary>The names of gRPC over HTTP/2, and what both sides do alike with its headers.</summary>
internal static class GrpcProtocol
{
    public const string ContentType = "application/grpc";
    public const string StatusHeader = "grpc-status";
    public const string MessageHeader = "grpc-message";
    public const string TimeoutHeader = "grpc-timeout";
    public const string EncodingHeader = "grpc-encoding";
    public const string AcceptEncodingHeader = "grpc-accept-encoding";
    public const string IdentityEncoding = "identity";
    public const int FrameHeaderSize = 5;
    public const int DefaultMaxReceiveMessageSize = 4 * 1024 * 1024;

    /// <summary>The longest a timer of the runtime can wait; a deadline further off is left to the other side.</summary>
    public static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    /// <summary>True for <c>application/grpc</c> and <c>application/grpc+…</c>, not for <c>application/grpc-web</c>.</summary>
    public static bool IsGrpcContentType(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is ';' or '+');

    /// <summary>True for headers that belong to HTTP or to the protocol, and are no metadata of a caller.</summary>
    public static bool IsReserved(string name) =>
        name.StartsWith(':')
        || (name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase) && !name.Equals("grpc-status-details-bin", StringComparison.OrdinalIgnoreCase))
        || Equal(name, "content-type") || Equal(name, "content-length") || Equal(name, "content-encoding") || Equal(name, "te") || Equal(name, "host");

    /// <exception cref="RpcException">A binary header is not in base64.</exception>
    public static void AddHeader(Metadata metadata, string name, string value)
    {
        if (!name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
        {
            metadata.Add(name, value);
            return;
        }

        foreach (var part in value.Split(',', StringSplitOptions.TrimEntries)) metadata.Add(name, FromBase64(name, part));
    }

    private static byte[] FromBase64(string name, string text)
    {
        var padded = text.Length % 4 == 0 ? text : text.PadRight(text.Length + 4 - (text.Length % 4), '=');
        try
        {
            return Convert.FromBase64String(padded);
        }
        catch (FormatException e)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"The header {name} is not in base64.", e));
        }
    }

    private static bool Equal(string left, string right) => left.Equals(right, StringComparison.OrdinalIgnoreCase);
}
