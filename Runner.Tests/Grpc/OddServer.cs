using System.Net;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>An HTTP/2 server that answers every call as one test wants it.</summary>
internal sealed class OddServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<IDisposable> _channels = [];

    private OddServer(WebApplication app) => _app = app;

    public static async Task<OddServer> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return new OddServer(app);
    }

    /// <summary>Answers with these bytes and, if it has one, this status in the trailers.</summary>
    public static Task<OddServer> StartAsync(byte[] body, string? status, int http = 200, string? contentType = "application/grpc") => StartAsync(async context =>
    {
        context.Response.StatusCode = http;
        context.Response.ContentType = contentType;
        await context.Response.StartAsync();
        await context.Response.Body.WriteAsync(body);
        if (status is not null) context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers["grpc-status"] = status;
    });

    public EchoService.EchoServiceClient NewClient()
    {
        var channel = GrpcChannel.ForAddress(_app.Urls.Single());
        _channels.Add(channel);
        return new EchoService.EchoServiceClient(channel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels) channel.Dispose();
        await _app.DisposeAsync();
    }
}
