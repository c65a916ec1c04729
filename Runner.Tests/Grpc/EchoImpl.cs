using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>What the echo service does; a test puts in its own.</summary>
internal sealed class EchoHandlers
{
    public UnaryServerMethod<Words, Words> Say { get; set; } = (words, _) => Task.FromResult(words);

    public ServerStreamingServerMethod<RepeatRequest, Words> Repeat { get; set; } = async (request, responses, context) =>
    {
        for (var i = 0L; i != request.Times; i++) await responses.WriteAsync(new Words { Data = request.Data, Text = $"{i}" }, context.CancellationToken);
    };

    public ClientStreamingServerMethod<Words, Words> Join { get; set; } = async (requests, context) =>
    {
        var texts = new List<string>();
        await foreach (var words in requests.ReadAllAsync(context.CancellationToken)) texts.Add(words.Text);
        return new Words { Text = string.Concat(texts) };
    };

    public DuplexStreamingServerMethod<Words, Words> Chat { get; set; } = async (requests, responses, context) =>
    {
        await foreach (var words in requests.ReadAllAsync(context.CancellationToken)) await responses.WriteAsync(words);
    };
}

/// <summary>The echo service.</summary>
internal sealed class EchoImpl(EchoHandlers handlers) : EchoService.EchoServiceBase
{
    public override Task<Words> Say(Words request, ServerCallContext context) => handlers.Say(request, context);

    public override Task Repeat(RepeatRequest request, IServerStreamWriter<Words> responseStream, ServerCallContext context) => handlers.Repeat(request, responseStream, context);

    public override Task<Words> Join(IAsyncStreamReader<Words> requestStream, ServerCallContext context) => handlers.Join(requestStream, context);

    public override Task Chat(IAsyncStreamReader<Words> requestStream, IServerStreamWriter<Words> responseStream, ServerCallContext context) => handlers.Chat(requestStream, responseStream, context);
}
