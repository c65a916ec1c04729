using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc.Interop;

/// <summary>The official gRPC for Node as the server of our client, with mutual TLS.</summary>
public sealed class NodeServerTests : IAsyncLifetime
{
    private readonly Identities _identities = new();
    private Node _node = null!;
    private GrpcChannel _channel = null!;
    private EchoService.EchoServiceClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _node = Node.Start("server.js", _identities.Folder);
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = _identities.NewPolicy();
        handler.SslOptions.ClientCertificates = [_identities.Client];
        _channel = GrpcChannel.ForAddress($"https://localhost:{await _node.ReadLineAsync()}", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _client = new EchoService.EchoServiceClient(_channel);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _node.DisposeAsync();
        _identities.Dispose();
    }

    [Fact]
    public async Task Calls_of_all_types_are_answered()
    {
        Assert.Equal("hällo", (await _client.SayAsync(new Words { Text = "hällo" }).ResponseAsync.Soon()).Text);
        var repeated = await _client.Repeat(new RepeatRequest { Data = ByteString.CopyFrom(new byte[65536]), Times = 500 }).ResponseStream.ReadAllAsync().ToListAsync().AsTask().Soon();
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), repeated.Select(words => words.Text));
        using var join = _client.Join();
        foreach (var text in new[] { "a", "b", "c" }) await join.RequestStream.WriteAsync(new Words { Text = text });
        await join.RequestStream.CompleteAsync();
        Assert.Equal("abc", (await join.ResponseAsync.Soon()).Text);
        using var chat = _client.Chat();
        for (var i = 0; i < 10; i++)
        {
            await chat.RequestStream.WriteAsync(new Words { Text = $"{i}" });
            Assert.True(await chat.ResponseStream.MoveNext().Soon());
            Assert.Equal($"{i}", chat.ResponseStream.Current.Text);
        }

        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext().Soon());
    }

    [Fact]
    public async Task Headers_and_trailers_go_both_ways()
    {
        using var call = _client.SayAsync(new Words { Text = "headers" }, new Metadata { { "name", "value" }, { "raw-bin", [0, 255, 1] } });
        await call.ResponseAsync.Soon();
        var headers = await call.ResponseHeadersAsync;
        Assert.Equal("value", headers.GetValue("name"));
        Assert.Equal([0, 255, 1], headers.GetValueBytes("raw-bin")!);
        Assert.Equal("yes", call.GetTrailers().GetValue("last"));
        Assert.Equal([1, 2], call.GetTrailers().GetValueBytes("last-bin")!);
    }

    [Fact]
    public async Task A_failure_brings_its_details()
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.SayAsync(new Words { Text = "fail" }).ResponseAsync.Soon());
        Assert.Equal(new Status(StatusCode.FailedPrecondition, "50 % größer"), e.Status);
        Assert.Equal([8, 9], e.Trailers.GetValueBytes("grpc-status-details-bin")!);
    }

    [Fact]
    public async Task A_stream_that_is_given_up_is_cancelled_there()
    {
        var call = _client.Repeat(new RepeatRequest { Data = ByteString.CopyFrom(new byte[1000]), Times = -1 });
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        call.Dispose();
        Assert.Equal("cancelled", await _node.ReadLineAsync());
    }

    [Fact]
    public async Task A_deadline_is_kept()
    {
        await _client.SayAsync(new Words { Text = "hello" }).ResponseAsync.Soon(); // the connection is there
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.SayAsync(new Words { Text = "wait" }, deadline: DateTime.UtcNow.AddSeconds(2)).ResponseAsync.Soon());
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        Assert.Equal("cancelled", await _node.ReadLineAsync());
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_unavailable_to()
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = _identities.NewPolicy();
        using var channel = GrpcChannel.ForAddress($"https://{_channel.Target}", new GrpcChannelOptions { HttpHandler = handler });
        var e = await Assert.ThrowsAsync<RpcException>(() => new EchoService.EchoServiceClient(channel).SayAsync(new Words()).ResponseAsync.Soon());
        Assert.Equal(StatusCode.Unavailable, e.StatusCode);
    }
}
