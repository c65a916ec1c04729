using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>Many calls at once on one channel, some given up at any moment, do not disturb each other.</summary>
public sealed class ManyCallsTests
{
    private const int Workers = 64;
    private const int CallsEach = 40;

    [Fact]
    public async Task Calls_that_are_given_up_at_any_moment_leave_the_others_alone()
    {
        await using var server = await EchoServer.StartAsync();
        var client = server.NewClient();
        var wrong = new ConcurrentQueue<string>();
        var succeeded = 0;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < CallsEach; i++)
            {
                // Every third call is given up after between 0 and 5 ms, by a deadline or by a token.
                var givesUp = i % 3 == 0;
                var after = TimeSpan.FromMilliseconds(random.NextDouble() * 5);
                using var source = givesUp && i % 2 == 0 ? new CancellationTokenSource(after) : new CancellationTokenSource();
                DateTime? deadline = givesUp && i % 2 == 1 ? DateTime.UtcNow + after : null;
                try
                {
                    await CallAsync(client, (worker + i) % 4, $"{worker} {i}", new CallOptions(deadline: deadline, cancellationToken: source.Token)).Soon();
                    Interlocked.Increment(ref succeeded);
                }
                catch (RpcException e) when (givesUp && e.StatusCode is StatusCode.Cancelled or StatusCode.DeadlineExceeded)
                {
                }
                catch (Exception e)
                {
                    wrong.Enqueue($"{worker} {i}: {e}");
                }
            }
        })));
        Assert.True(wrong.IsEmpty, string.Join("\n", wrong));
        Assert.InRange(succeeded, Workers * CallsEach / 2, Workers * CallsEach);
        Assert.Empty(server.Errors);
    }

    [Fact]
    public async Task A_request_that_is_cut_off_does_not_reach_a_unary_handler()
    {
        await using var server = await EchoServer.StartAsync(tls: false);
        var calls = 0;
        server.Handlers.Say = (words, _) =>
        {
            calls++;
            return Task.FromResult(words);
        };
        for (var i = 0; i < 20; i++)
        {
            using var request = RawCall.Request(server, RawCall.Say, []);
            request.Content = new BreakingContent(RawCall.Frame(new Words { Text = "hello" }));
            request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
            await Assert.ThrowsAnyAsync<Exception>(() => RawCall.SendAsync(server, request).Soon());
        }

        Assert.Equal(0, calls);
        Assert.Empty(server.Errors);
    }

    private static async Task CallAsync(EchoService.EchoServiceClient client, int type, string text, CallOptions options)
    {
        switch (type)
        {
            case 0:
                Assert.Equal(text, (await client.SayAsync(new Words { Text = text }, options)).Text);
                break;
            case 1:
                using (var call = client.Repeat(new RepeatRequest { Data = ByteString.CopyFromUtf8(text), Times = 20 }, options))
                    Assert.Equal(20, (await call.ResponseStream.ReadAllAsync().ToListAsync()).Count(words => words.Data.ToStringUtf8() == text));
                break;
            case 2:
                using (var call = client.Join(options))
                {
                    for (var i = 0; i < 5; i++) await call.RequestStream.WriteAsync(new Words { Text = text });
                    await call.RequestStream.CompleteAsync();
                    Assert.Equal(string.Concat(Enumerable.Repeat(text, 5)), (await call).Text);
                }

                break;
            default:
                using (var call = client.Chat(options))
                {
                    for (var i = 0; i < 5; i++)
                    {
                        await call.RequestStream.WriteAsync(new Words { Text = text });
                        Assert.True(await call.ResponseStream.MoveNext());
                        Assert.Equal(text, call.ResponseStream.Current.Text);
                    }

                    await call.RequestStream.CompleteAsync();
                    Assert.False(await call.ResponseStream.MoveNext());
                }

                break;
        }
    }

    /// <summary>Sends a whole message and then breaks, without an end of the stream.</summary>
    private sealed class BreakingContent(byte[] bytes) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes);
            await stream.FlushAsync();
            throw new IOException("broken");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
