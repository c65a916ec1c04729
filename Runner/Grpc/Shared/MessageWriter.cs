using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.Shared;

/// <summary>Writes length-prefixed messages straight into a pipe, and nothing of one that is too large.</summary>
internal sealed class MessageWriter<T>(PipeWriter pipe, Marshaller<T> marshaller, int? maxSize) : SerializationContext
    where T : class
{
    private const int HeaderSize = GrpcProtocol.FrameHeaderSize;

    // So large a message is asked for in one piece; a larger one is written piece by piece.
    private const int LargestPiece = 128 * 1024;

    private int? _length;
    private bool _headerWritten;
    private bool _complete;

    /// <summary>True if a serializer failed half way; nothing sensible can follow.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The message is in the pipe, but not flushed.</summary>
    public void Write(T message)
    {
        (_length, _headerWritten, _complete) = (null, false, false);
        try
        {
            marshaller.ContextualSerializer(message, this);
            if (!_complete) throw new InvalidOperationException("The serializer did not complete the message.");
        }
        catch
        {
            IsBroken = _headerWritten;
            throw;
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        if (payloadLength > maxSize)
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"Sending message exceeds the maximum configured message size: {payloadLength} of {maxSize} bytes."));
        _length = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        WriteHeader(_length ?? throw new InvalidOperationException("The payload length must be set first."));
        return pipe;
    }

    public override void Complete()
    {
        if (!_headerWritten) WriteHeader(_length ?? throw new InvalidOperationException("The payload length must be set first."));
        _complete = true;
    }

    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        GetBufferWriter().Write(payload);
        Complete();
    }

    private void WriteHeader(int length)
    {
        if (_headerWritten) return;
        var header = pipe.GetSpan(HeaderSize + Math.Min(length, LargestPiece));
        header[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], length);
        pipe.Advance(HeaderSize);
        _headerWritten = true;
    }
}
