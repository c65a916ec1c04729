using Runner.Linux.Native;

namespace Runner.Linux.Processes;

/// <summary>A file that is made when it is needed first. Only on one thread.</summary>
/// <param name="open">Makes it.</param>
sealed class LazyFile(Func<Fd> open) : IDisposable
{
    private Fd? _file;

    public bool IsOpen => _file is not null;

    /// <exception cref="LinuxException">It cannot be made now.</exception>
    public Fd Open() => _file ??= open();

    public void Dispose() => _file?.Dispose();
}
