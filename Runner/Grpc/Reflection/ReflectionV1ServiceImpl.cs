using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Grpc.Reflection;

/// <summary>Tells a client which services there are and how their messages look.</summary>
internal sealed class ReflectionV1ServiceImpl : ServerReflection.ServerReflectionBase
{
    private readonly List<string> _services;
    private readonly SymbolRegistry _symbols;

    public ReflectionV1ServiceImpl(IEnumerable<string> services, SymbolRegistry symbolRegistry)
    {
        _services = [.. services];
        _symbols = symbolRegistry;
    }

    public ReflectionV1ServiceImpl(IEnumerable<ServiceDescriptor> serviceDescriptors)
        : this(serviceDescriptors.Select(service => service.FullName), SymbolRegistry.FromFiles(serviceDescriptors.Select(service => service.File)))
    {
    }

    public ReflectionV1ServiceImpl(params ServiceDescriptor[] serviceDescriptors)
        : this(serviceDescriptors.AsEnumerable())
    {
    }

    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext(context.CancellationToken).ConfigureAwait(false))
        {
            var response = Answer(requestStream.Current);
            response.ValidHost = requestStream.Current.Host;
            response.OriginalRequest = requestStream.Current;
            await responseStream.WriteAsync(response).ConfigureAwait(false);
        }
    }

    private ServerReflectionResponse Answer(ServerReflectionRequest request) => request.MessageRequestCase switch
    {
        ServerReflectionRequest.MessageRequestOneofCase.ListServices =>
            new() { ListServicesResponse = new() { Service = { _services.Select(name => new ServiceResponse { Name = name }) } } },
        ServerReflectionRequest.MessageRequestOneofCase.FileByFilename => Answer(_symbols.FileByName(request.FileByFilename), "File not found."),
        ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol => Answer(_symbols.FileContainingSymbol(request.FileContainingSymbol), "Symbol not found."),
        ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension =>
            Answer(_symbols.FileContainingExtension(request.FileContainingExtension.ContainingType, request.FileContainingExtension.ExtensionNumber), "Extension not found."),
        ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType => AnswerExtensions(request.AllExtensionNumbersOfType),
        _ => Error(StatusCode.InvalidArgument, "The request asks for nothing this server knows."),
    };

    private ServerReflectionResponse AnswerExtensions(string type) =>
        _symbols.ExtensionNumbers(type) is { } numbers
            ? new() { AllExtensionNumbersResponse = new() { BaseTypeName = type, ExtensionNumber = { numbers } } }
            : Error(StatusCode.NotFound, "Type not found.");

    private static ServerReflectionResponse Answer(FileDescriptor? file, string otherwise) =>
        file is null ? Error(StatusCode.NotFound, otherwise) : new() { FileDescriptorResponse = new() { FileDescriptorProto = { WithImports(file).Select(f => f.SerializedData) } } };

    private static ServerReflectionResponse Error(StatusCode code, string message) =>
        new() { ErrorResponse = new() { ErrorCode = (int)code, ErrorMessage = message } };

    private static IEnumerable<FileDescriptor> WithImports(FileDescriptor file) => file.Dependencies.SelectMany(WithImports).Prepend(file).Distinct();
}
