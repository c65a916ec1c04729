using Google.Protobuf;
using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>A slow reader slows the writer down, in both directions, and loses nothing.</summary>
public sealed class BackPressureTests
{
    private const int MessageSize = 64 * 1024;
    private const int Messages = 2000;

    private static readonly ByteString Data = ByteString.CopyFrom(new byte[MessageSize]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_does_not_write_far_ahead_of_its_reader(bool mayWait)
    {
        await using var server = await EchoServer.StartAsync();
        var written = 0;
        server.Handlers.Repeat = async (request, responses, _) =>
        {
            if (mayWait) responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
            for (; written < request.Times; written++) await responses.WriteAsync(new Words { Data = request.Data });
        };
        using var call = server.NewClient().Repeat(new RepeatRequest { Data = Data, Times = Messages });
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        Assert.InRange(await SettledAsync(() => written), 1, Messages / 2);
        var read = 1;
        while (await call.ResponseStream.MoveNext().Soon()) read++;
        Assert.Equal(Messages, read);
    }

    [Fact]
    public async Task A_write_that_is_given_up_while_its_reader_is_slow_ends_the_call_as_cancelled_and_not_as_broken()
    {
        await using var server = await EchoServer.StartAsync();
        using var giveUp = new CancellationTokenSource();
        var (written, ended) = (0, Waiting.NewSignal());
        server.Handlers.Repeat = async (request, responses, _) =>
        {
            try
            {
                for (; ; written++) await responses.WriteAsync(new Words { Data = request.Data }, giveUp.Token);
            }
            finally
            {
                ended.SetResult();
            }
        };
        using var call = server.NewClient().Repeat(new RepeatRequest { Data = Data });
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        await SettledAsync(() => written);
        await giveUp.CancelAsync();
        await ended.Task.Soon();
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext().Soon()) { }
        });
        Assert.Equal(StatusCode.Cancelled, e.StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_does_not_write_far_ahead_of_its_reader(bool mayWait)
    {
        await using var server = await EchoServer.StartAsync();
        var go = Waiting.NewSignal();
        server.Handlers.Join = async (requests, context) =>
        {
            await go.Task;
            var read = 0;
            await foreach (var _ in requests.ReadAllAsync(context.CancellationToken)) read++;
            return new Words { Text = $"{read}" };
        };
        using var call = server.NewClient().Join();
        if (mayWait) call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
        var written = 0;
        var writing = Task.Run(async () =>
        {
            for (; written < Messages; written++) await call.RequestStream.WriteAsync(new Words { Data = Data });
            await call.RequestStream.CompleteAsync();
        });
        Assert.InRange(await SettledAsync(() => written), 1, Messages / 2);
        go.SetResult();
        await writing.Soon();
        Assert.Equal($"{Messages}", (await call.ResponseAsync.Soon()).Text);
    }

    /// <summary>The count once it has stood still for a while; a count that never stands still fails by its size.</summary>
    private static async Task<int> SettledAsync(Func<int> count)
    {
        int before;
        do
        {
            before = count();
            await Task.Delay(300, TestContext.Current.CancellationToken);
        }
        while (before == 0 || count() != before);
        return before;
    }
}
