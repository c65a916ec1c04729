using System.Buffers.Binary;
using System.Net;
using Google.Protobuf;

namespace Runner.Tests.Grpc;

/// <summary>Calls made by hand, to send what no client would, and to see what the server really answers.</summary>
internal static class RawCall
{
    public const string Say = "/runner.tests.echo.EchoService/Say";
    public const string Join = "/runner.tests.echo.EchoService/Join";
    public const string Chat = "/runner.tests.echo.EchoService/Chat";
    public const string Repeat = "/runner.tests.echo.EchoService/Repeat";

    public static byte[] Frame(IMessage message, byte flag = 0, uint? length = null)
    {
        var payload = message.ToByteArray();
        var frame = new byte[5 + payload.Length];
        frame[0] = flag;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), length ?? (uint)payload.Length);
        payload.CopyTo(frame, 5);
        return frame;
    }

    public static HttpRequestMessage Request(EchoServer server, string path, byte[] body, string? contentType = "application/grpc", params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, server.Address + path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body) };
        if (contentType is not null) request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    public static async Task<RawAnswer> SendAsync(EchoServer server, HttpRequestMessage request)
    {
        using var http = new HttpClient(server.NewHandler());
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return new RawAnswer(response.StatusCode, body, response.Headers.ToDictionary(h => h.Key, h => string.Join(',', h.Value)), response.TrailingHeaders.ToDictionary(h => h.Key, h => string.Join(',', h.Value)));
    }

    public static Task<RawAnswer> SendAsync(EchoServer server, string path, byte[] body, string? contentType = "application/grpc", params (string Name, string Value)[] headers) =>
        SendAsync(server, Request(server, path, body, contentType, headers));
}

/// <summary>A response with its trailers.</summary>
internal sealed record RawAnswer(HttpStatusCode Http, byte[] Body, Dictionary<string, string> Headers, Dictionary<string, string> Trailers)
{
    /// <summary>Trailers-only, so that there is nothing but headers.</summary>
    public bool IsTrailersOnly => Headers.ContainsKey("grpc-status") && Trailers.Count == 0 && Body.Length == 0;

    public string? Status => Headers.GetValueOrDefault("grpc-status") ?? Trailers.GetValueOrDefault("grpc-status");

    public string? Message => Headers.GetValueOrDefault("grpc-message") ?? Trailers.GetValueOrDefault("grpc-message");
}
