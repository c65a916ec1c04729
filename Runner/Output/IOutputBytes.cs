namespace Runner.Output;

/// <summary>The captured bytes of one stream, wherever they are kept. Each reader has one of its own.</summary>
interface IOutputBytes : IDisposable
{
    /// <summary>Reads up to a buffer full from an offset; 0 past what is there.</summary>
    int Read(long offset, Span<byte> buffer);
}
