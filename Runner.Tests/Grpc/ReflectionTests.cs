using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection;
using Grpc.Reflection.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Runner.Tests.Grpc.Echo;

namespace Runner.Tests.Grpc;

/// <summary>The standard reflection service.</summary>
public sealed class ReflectionTests
{
    [Fact]
    public async Task The_services_are_listed() =>
        Assert.Equal(
            ["runner.tests.echo.EchoService", "grpc.health.v1.Health"],
            (await AskAsync(new ServerReflectionRequest { ListServices = "" })).ListServicesResponse.Service.Select(service => service.Name));

    [Theory]
    [InlineData("runner.tests.echo.EchoService", "Grpc/echo.proto")]
    [InlineData("runner.tests.echo.EchoService.Say", "Grpc/echo.proto")]
    [InlineData("runner.tests.echo.Words", "Grpc/echo.proto")]
    [InlineData("runner.tests.echo.Words.Inner", "Grpc/echo.proto")]
    [InlineData("runner.tests.echo.Words.Inner.Kind", "Grpc/echo.proto")]
    [InlineData("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto")]
    public async Task The_file_of_a_symbol_is_found(string symbol, string file)
    {
        var answer = await AskAsync(new ServerReflectionRequest { Host = "here", FileContainingSymbol = symbol });
        Assert.Equal(file, FileDescriptorProto.Parser.ParseFrom(Assert.Single(answer.FileDescriptorResponse.FileDescriptorProto)).Name);
        Assert.Equal("here", answer.ValidHost);
        Assert.Equal(symbol, answer.OriginalRequest.FileContainingSymbol);
    }

    [Fact]
    public async Task A_file_is_found_by_its_name() =>
        Assert.Equal(
            HealthReflection.Descriptor.SerializedData,
            Assert.Single((await AskAsync(new ServerReflectionRequest { FileByFilename = "grpc/health/v1/health.proto" })).FileDescriptorResponse.FileDescriptorProto));

    [Fact]
    public async Task A_type_without_extensions_has_no_extension_numbers()
    {
        var answer = await AskAsync(new ServerReflectionRequest { AllExtensionNumbersOfType = "runner.tests.echo.Words.Inner" });
        Assert.Equal("runner.tests.echo.Words.Inner", answer.AllExtensionNumbersResponse.BaseTypeName);
        Assert.Empty(answer.AllExtensionNumbersResponse.ExtensionNumber);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found_and_the_call_goes_on()
    {
        await using var server = await StartAsync();
        using var call = new ServerReflection.ServerReflectionClient(server.NewChannel()).ServerReflectionInfo();
        foreach (var request in new ServerReflectionRequest[]
        {
            new() { FileByFilename = "no.proto" },
            new() { FileContainingSymbol = "no.Symbol" },
            new() { FileContainingExtension = new ExtensionRequest { ContainingType = "runner.tests.echo.Words", ExtensionNumber = 1 } },
            new() { AllExtensionNumbersOfType = "no.Type" },
        })
        {
            await call.RequestStream.WriteAsync(request);
            Assert.True(await call.ResponseStream.MoveNext().Soon());
            Assert.Equal((int)StatusCode.NotFound, call.ResponseStream.Current.ErrorResponse.ErrorCode);
        }

        await call.RequestStream.WriteAsync(new ServerReflectionRequest());
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        Assert.Equal((int)StatusCode.InvalidArgument, call.ResponseStream.Current.ErrorResponse.ErrorCode);
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext().Soon());
    }

    private static async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
    {
        await using var server = await StartAsync();
        using var call = new ServerReflection.ServerReflectionClient(server.NewChannel()).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext().Soon());
        return call.ResponseStream.Current;
    }

    private static Task<EchoServer> StartAsync() =>
        EchoServer.StartAsync(
            build: builder => builder.Services.AddSingleton(new ReflectionV1ServiceImpl(EchoService.Descriptor, Health.Descriptor)), map: app => app.MapGrpcService<ReflectionV1ServiceImpl>());
}
