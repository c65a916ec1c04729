using Grpc.Core;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using Grpc.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc.Interop;

/// <summary>The official gRPC for Node as a client of our server, with mutual TLS.</summary>
public sealed class NodeClientTests
{
    [Theory]
    [InlineData("unary")]
    [InlineData("serverStream")]
    [InlineData("clientStream")]
    [InlineData("duplex")]
    [InlineData("metadata")]
    [InlineData("failure")]
    [InlineData("cancel")]
    [InlineData("deadline")]
    [InlineData("tooLarge")]
    [InlineData("wrongCertificate")]
    [InlineData("unknownMethod")]
    [InlineData("health")]
    [InlineData("reflection")]
    public async Task A_node_client_is_served(string scenario)
    {
        using var identities = new Identities();
        var health = new HealthServiceImpl();
        health.SetStatus("", HealthCheckResponse.Types.ServingStatus.Serving);
        await using var server = await EchoServer.StartAsync(
            build: builder => builder.Services.AddSingleton(health).AddSingleton(new ReflectionV1ServiceImpl(EchoService.Descriptor, Health.Descriptor)),
            map: app =>
            {
                app.MapGrpcService<HealthServiceImpl>();
                app.MapGrpcService<ReflectionV1ServiceImpl>();
            },
            https: options =>
            {
                options.ServerCertificate = identities.Server;
                options.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                options.ClientCertificateValidation = (certificate, _, _) => identities.Vouches(certificate);
            });
        var (stopped, calls) = (Waiting.NewSignal(), 0);
        var repeat = server.Handlers.Repeat;
        server.Handlers.Say = (words, context) => SayAsync(words, context, () => calls++, stopped);
        server.Handlers.Repeat = async (request, responses, context) =>
        {
            try
            {
                await repeat(request, responses, context);
            }
            finally
            {
                stopped.TrySetResult();
            }
        };
        await using var node = Node.Start("client.js", new Uri(server.Address).Authority, identities.Folder, scenario);
        await node.SucceedsAsync();
        if (scenario is "cancel" or "deadline") await stopped.Task.Soon();
        if (scenario == "wrongCertificate") Assert.Equal(0, calls);
        Assert.Empty(server.Errors);
    }

    private static async Task<Words> SayAsync(Words words, ServerCallContext context, Action called, TaskCompletionSource stopped)
    {
        called();
        Assert.Equal("client", context.AuthContext.FindPropertiesByName("x509_common_name").Single().Value);
        context.ResponseTrailers.Add("last", "yes");
        context.ResponseTrailers.Add("last-bin", [1, 2]);
        switch (words.Text)
        {
            case "headers":
                await context.WriteResponseHeadersAsync(new Metadata { { "name", context.RequestHeaders.GetValue("name")! }, { "raw-bin", context.RequestHeaders.GetValueBytes("raw-bin")! } });
                break;
            case "fail":
                throw new RpcException(new Status(StatusCode.FailedPrecondition, "50 % größer"), new Metadata { { "grpc-status-details-bin", [8, 9] } });
            case "wait":
                await context.CancellationToken.Cancelled();
                stopped.TrySetResult();
                break;
        }

        return words;
    }
}
