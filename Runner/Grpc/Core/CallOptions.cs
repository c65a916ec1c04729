using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>Hints about one message that is written.</summary>
[Flags]
internal enum WriteFlags
{
    None = 0,

    /// <summary>It need not be sent before the next one.</summary>
    BufferHint = 1,
    NoCompress = 2,
}

/// <summary>How messages are written from now on.</summary>
internal sealed class WriteOptions(WriteFlags flags = WriteFlags.None)
{
    public static readonly WriteOptions Default = new();

    public WriteFlags Flags { get; } = flags;

    internal bool MayWait => (Flags & WriteFlags.BufferHint) != 0;
}

/// <summary>What a caller asks for with one call.</summary>
internal readonly record struct CallOptions
{
    [SuppressMessage("Design", "CA1068:CancellationToken parameters must come last", Justification = "The official order.")]
    public CallOptions(Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default, WriteOptions? writeOptions = null)
    {
        Headers = headers;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        WriteOptions = writeOptions;
    }

    public Metadata? Headers { get; private init; }

    public DateTime? Deadline { get; private init; }

    public CancellationToken CancellationToken { get; private init; }

    public WriteOptions? WriteOptions { get; private init; }

    public CallOptions WithHeaders(Metadata headers) => this with { Headers = headers };

    public CallOptions WithDeadline(DateTime deadline) => this with { Deadline = deadline };

    public CallOptions WithCancellationToken(CancellationToken cancellationToken) => this with { CancellationToken = cancellationToken };

    public CallOptions WithWriteOptions(WriteOptions writeOptions) => this with { WriteOptions = writeOptions };
}
