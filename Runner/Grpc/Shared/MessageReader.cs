using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.Shared;

/// <summary>Reads length-prefixed messages from a pipe, holding at most one and never more than the limit.</summary>
internal sealed class MessageReader<T>(PipeReader pipe, Marshaller<T> marshaller, int? maxSize, string? encoding) : DeserializationContext
    where T : class
{
    private const int HeaderSize = GrpcProtocol.FrameHeaderSize;

    private ReadOnlySequence<byte> _payload;

    public override int PayloadLength => (int)_payload.Length;

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    /// <summary>The next message, or null at the end of the stream.</summary>
    /// <exception cref="RpcException">The message is too large, cut off, compressed or no message at all.</exception>
    public async ValueTask<T?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (result.IsCanceled) throw new OperationCanceledException(cancellationToken);
            var buffer = result.Buffer;
            var (consumed, examined) = (buffer.Start, buffer.End);
            try
            {
                if (TryFindPayload(buffer))
                {
                    consumed = examined = _payload.End;
                    return Deserialize();
                }

                if (result.IsCompleted)
                    return buffer.IsEmpty ? null : throw Failure(StatusCode.Internal, "Incomplete message.");
            }
            finally
            {
                _payload = default;
                pipe.AdvanceTo(consumed, examined);
            }
        }
    }

    /// <summary>Gives the pipe's memory back; there is no reading after it.</summary>
    public void Complete() => pipe.Complete();

    private static RpcException Failure(StatusCode code, string detail, Exception? inner = null) => new(new Status(code, detail, inner));

    private bool TryFindPayload(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < HeaderSize) return false;
        Span<byte> header = stackalloc byte[HeaderSize];
        buffer.Slice(0, HeaderSize).CopyTo(header);
        if (header[0] != 0) throw CompressionFailure(header[0]);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > (uint)(maxSize ?? int.MaxValue))
            throw Failure(StatusCode.ResourceExhausted, $"Received message exceeds the maximum configured message size: {length} of {maxSize ?? int.MaxValue} bytes.");
        if (buffer.Length < HeaderSize + (long)length) return false;
        _payload = buffer.Slice(HeaderSize, length);
        return true;
    }

    private RpcException CompressionFailure(byte flag) =>
        flag != 1 ? Failure(StatusCode.Internal, "Unexpected compressed flag value in message header.")
        : encoding is null or GrpcProtocol.IdentityEncoding ? Failure(StatusCode.Internal, "Request did not include grpc-encoding value with compressed message.")
        : Failure(StatusCode.Unimplemented, $"Unsupported grpc-encoding value '{encoding}'. Supported encodings: {GrpcProtocol.IdentityEncoding}");

    private T Deserialize()
    {
        try
        {
            return marshaller.ContextualDeserializer(this);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Failure(StatusCode.Internal, "Error parsing the message.", e);
        }
    }
}
