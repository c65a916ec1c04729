using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Runner.Server;

/// <summary>
/// Lets in only as many large starts at once as the process has memory for; the others wait their turn. A start is held as
/// bytes, as text and as a record before it is stored, some ten times its size.
/// </summary>
sealed class LargeStarts(int most, TimeSpan patience) : IDisposable
{
    private const long MemoryOfOne = 128L * 1024 * 1024;
    private const int MostAtOnce = 16;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(25); // a client gives a start 60 s, and it waits for its turn too

    private readonly SemaphoreSlim _places = new(most);

    /// <param name="memory">Bytes that the process may use.</param>
    public static LargeStarts Of(long memory) => new((int)Math.Clamp(memory / MemoryOfOne, 1, MostAtOnce), s_patience);

    /// <summary>Waits for a place if the request announces to be large. Null: there was none for too long.</summary>
    public async Task<IDisposable?> EnterAsync(HttpContext http)
    {
        if (await AnnouncedAsync(http) <= CallAdmission.UsualMessage) return Place.None;
        return await _places.WaitAsync(patience, http.RequestAborted) ? new Place(_places) : null;
    }

    public void Dispose() => _places.Dispose();

    /// <summary>Looks at the first bytes and leaves them where they are. 0: they do not come; whoever reads the request finds out why.</summary>
    private static async Task<uint> AnnouncedAsync(HttpContext http)
    {
        try
        {
            var seen = await http.Request.BodyReader.ReadAtLeastAsync(CallAdmission.FrameHeader, http.RequestAborted);
            var length = seen.Buffer.Length < CallAdmission.FrameHeader ? 0 : LengthIn(seen.Buffer.Slice(1, sizeof(uint)));
            http.Request.BodyReader.AdvanceTo(seen.Buffer.Start);
            return length;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return 0;
        }
    }

    private static uint LengthIn(ReadOnlySequence<byte> bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(uint)];
        bytes.CopyTo(length);
        return BinaryPrimitives.ReadUInt32BigEndian(length);
    }

    /// <summary>One start's; given back once.</summary>
    private sealed class Place(SemaphoreSlim? places) : IDisposable
    {
        private SemaphoreSlim? _places = places;

        public static readonly Place None = new(null);

        public void Dispose() => Interlocked.Exchange(ref _places, null)?.Release();
    }
}
