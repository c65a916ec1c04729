namespace Grpc.Net.Client;

/// <summary>How a channel is made.</summary>
internal sealed class GrpcChannelOptions
{
    /// <summary>Null for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>4 MiB by default; null for no limit.</summary>
    public int? MaxReceiveMessageSize { get; set; } = Shared.GrpcProtocol.DefaultMaxReceiveMessageSize;

    /// <summary>Not together with <see cref="HttpHandler"/>.</summary>
    public HttpClient? HttpClient { get; set; }

    /// <summary>Not together with <see cref="HttpClient"/>.</summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>Disposes the client or the handler given here with the channel.</summary>
    public bool DisposeHttpClient { get; set; }
}
