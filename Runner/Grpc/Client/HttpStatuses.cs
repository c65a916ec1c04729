using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Shared;

namespace Grpc.Net.Client;

/// <summary>What HTTP says about a call, as gRPC says it.</summary>
internal static class HttpStatuses
{
    /// <summary>The end of a call that is told in the response's headers; null if messages may follow.</summary>
    public static Status? ReadHeaders(HttpResponseMessage response)
    {
        if (ReadStatus(response.Headers) is { } status) return status;
        if (response.StatusCode != HttpStatusCode.OK) return new Status(FromHttp(response.StatusCode), $"Bad gRPC response. HTTP status code: {(int)response.StatusCode}");
        var contentType = response.Content.Headers.NonValidated.TryGetValues("content-type", out var values) ? values.ToString() : null;
        return GrpcProtocol.IsGrpcContentType(contentType) ? null : new Status(StatusCode.Unknown, $"Bad gRPC response. Invalid content-type value: {contentType ?? "none"}");
    }

    public static Status? ReadStatus(HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues(GrpcProtocol.StatusHeader, out var value)) return null;
        var detail = headers.NonValidated.TryGetValues(GrpcProtocol.MessageHeader, out var message) ? PercentEncoding.Decode(message.ToString()) : "";
        return int.TryParse(value.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? new Status(Enum.IsDefined((StatusCode)code) ? (StatusCode)code : StatusCode.Unknown, detail)
            : new Status(StatusCode.Unknown, $"Unexpected grpc-status value: {value}");
    }

    public static Metadata ReadMetadata(HttpResponseHeaders headers)
    {
        Metadata? metadata = null;
        foreach (var (name, values) in headers.NonValidated)
            if (!GrpcProtocol.IsReserved(name))
                foreach (var value in values)
                    GrpcProtocol.AddHeader(metadata ??= [], name, value);
        return metadata ?? Metadata.Empty;
    }

    /// <summary>As in doc/http-grpc-status-mapping.md of the gRPC project.</summary>
    public static StatusCode FromHttp(HttpStatusCode code) => code switch
    {
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>A server that cannot be reached or went away is unavailable; a stream it reset says why in the HTTP/2 error code.</summary>
    public static Status FromException(Exception exception)
    {
        var code = exception switch
        {
            _ when Find<HttpProtocolException>(exception) is { } protocol => FromHttp2((int)protocol.ErrorCode),
            // A connection that is not made in time is cancelled by the handler itself, not by the caller.
            _ when Find<TimeoutException>(exception) is not null => StatusCode.Unavailable,
            OperationCanceledException => StatusCode.Cancelled,
            HttpRequestException or IOException => StatusCode.Unavailable,
            _ => StatusCode.Internal,
        };
        return new Status(code, Describe(exception), exception);
    }

    /// <summary>As in doc/PROTOCOL-HTTP2.md of the gRPC project, "HTTP2 Transport Mapping", but for the first: a server that shuts down says it with GOAWAY.</summary>
    private static StatusCode FromHttp2(int errorCode) => errorCode switch
    {
        0x0 => StatusCode.Unavailable, // NO_ERROR
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM
        0x8 => StatusCode.Cancelled, // CANCEL
        0xb => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xc => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal,
    };

    private static T? Find<T>(Exception? exception)
        where T : Exception
    {
        for (; exception is not null; exception = exception.InnerException)
            if (exception is T found)
                return found;
        return null;
    }

    private static string Describe(Exception exception) =>
        exception.InnerException is { } inner ? $"{exception.Message} {Describe(inner)}" : exception.Message;
}
