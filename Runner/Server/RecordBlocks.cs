using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Runner.Server;

/// <summary>
/// Gives a connection's TLS blocks of memory that are as large as a TLS record (16 KiB). The host encrypts block by block, and
/// its own blocks of 4 KiB make four records, and four times the work at both ends, out of one.
/// </summary>
sealed class RecordBlocks : MemoryPool<byte>, IMemoryPoolFeature
{
    private const int Record = 16 * 1024;

    private static readonly RecordBlocks s_all = new();

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public MemoryPool<byte> MemoryPool => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, Record));

    public static ConnectionDelegate Use(ConnectionDelegate next) => connection =>
    {
        connection.Features.Set<IMemoryPoolFeature>(s_all);
        return next(connection);
    };

    protected override void Dispose(bool disposing) { }
}
