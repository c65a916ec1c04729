using Grpc.Core;
using Grpc.Shared;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>The gRPC side of an HTTP request and its response.</summary>
internal static class GrpcRequest
{
    /// <summary>Answers what is no gRPC with an HTTP error that also has a status; true if it did.</summary>
    public static bool Refuse(HttpContext http)
    {
        var request = http.Request;
        if (!HttpProtocol.IsHttp2(request.Protocol))
            return Refuse(http, StatusCodes.Status426UpgradeRequired, $"Request protocol '{request.Protocol}' is not supported.");
        if (!GrpcProtocol.IsGrpcContentType(request.ContentType))
            return Refuse(http, StatusCodes.Status415UnsupportedMediaType, request.ContentType is { } type ? $"Content-Type '{type}' is not supported." : "Content-Type is missing.");
        return false;
    }

    public static void SetStatus(IHeaderDictionary headers, Status status)
    {
        headers[GrpcProtocol.StatusHeader] = status.StatusCode == StatusCode.OK ? "0" : ((int)status.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (!string.IsNullOrEmpty(status.Detail)) headers[GrpcProtocol.MessageHeader] = PercentEncoding.Encode(status.Detail);
    }

    public static void Append(IHeaderDictionary headers, Metadata metadata)
    {
        foreach (var entry in metadata)
            headers.Append(entry.Key, entry.ToHeader());
    }

    private static bool Refuse(HttpContext http, int httpStatus, string detail)
    {
        http.Response.StatusCode = httpStatus;
        SetStatus(http.Response.Headers, new Status(StatusCode.Internal, detail));
        return true;
    }
}
