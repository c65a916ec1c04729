using Microsoft.Extensions.Logging;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>All that is captured of one job: its pipes on one side, its files and the logs they are read by on the other.</summary>
sealed class JobCapture : IDisposable
{
    private readonly IReadOnlyList<StreamCapture> _streams;
    private readonly IndexWriter _writer;
    private readonly string?[] _heldBack = new string?[2]; // by stream
    private readonly KeptFile _kept;
    private readonly OutputSync _sync;
    private readonly LazyFile[] _files;
    private readonly TaskCompletionSource _limitPassed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="loop">Where capturing is done.</param>
    /// <param name="id">Whose.</param>
    /// <param name="files">Where it goes on from; from now on this object's.</param>
    /// <param name="pipes">One a stream, or one for both; from now on this object's.</param>
    /// <param name="cap">How much is kept; null: everything.</param>
    /// <param name="logger">Told when the files take no more.</param>
    public JobCapture(EventLoop loop, JobId id, CaptureFiles files, IReadOnlyList<Fd> pipes, OutputCap? cap, ILogger logger)
    {
        (Stdout, Stderr, Index, _kept, _sync) = (files.Stdout.Log, files.Stderr.Log, files.Index.Log, files.Kept, files.Sync);
        _files = [files.Stdout.File, files.Stderr.File];
        _writer = new IndexWriter(files.Index.File, Index, files.LastTicks, cap?.Bytes);
        (OutputKind, LogFile)[] streams = [(OutputKind.Stdout, files.Stdout), (OutputKind.Stderr, files.Stderr)];
        _streams =
        [
            .. pipes.Zip(streams, (pipe, stream) => new StreamCapture(
                loop, pipe, stream.Item2, stream.Item1, _writer, e => HoldBack(stream.Item1, e.Message), () => GoOn(stream.Item1),
                cap is null ? null : new StreamRoom(cap, stream.Item1, stream.Item2, _kept, () => _limitPassed.TrySetResult()))),
        ];

        void HoldBack(OutputKind kind, string why)
        {
            Volatile.Write(ref _heldBack[(int)kind], why);
            logger.OutputHeldBack(id, why);
        }

        void GoOn(OutputKind kind)
        {
            Volatile.Write(ref _heldBack[(int)kind], null);
            logger.OutputGoesOn(id);
        }
    }

    /// <summary>Why what the job writes is left in its pipes; null: it is not.</summary>
    public string? HeldBack => Volatile.Read(ref _heldBack[0]) ?? Volatile.Read(ref _heldBack[1]);

    public OutputLog Stdout { get; }
    public OutputLog Stderr { get; }
    public OutputLog Index { get; }

    /// <summary>Done when a stream has had more than it may, and the job is to be ended for that.</summary>
    public Task LimitPassed => _limitPassed.Task;

    /// <summary>Whether somebody held a pipe open when capturing was finished.</summary>
    public bool HeldOpen => _streams.Any(stream => stream.HeldOpen);

    /// <summary>Whether the disk did not take some of it for a time, so that bytes may be lost.</summary>
    public bool DiskFailed => _sync.DiskFailed;

    public void Start()
    {
        foreach (var stream in _streams) stream.Start();
    }

    /// <summary>Captures what is in the pipes now, and stops. To be called when no process of the job is left.</summary>
    public Task FinishAsync() => Task.WhenAll(_streams.Select(stream => stream.FinishAsync()));

    /// <summary>Has all of it on the disk.</summary>
    public Task SyncAsync() => Stdout.Length > 0 || Stderr.Length > 0 ? _sync.RunAsync() : Task.CompletedTask;

    public void Dispose()
    {
        // Only now: while a file is open the kernel does not forget that it could not write it.
        foreach (var file in _files) file.Dispose();
        _writer.Dispose();
        _kept.Dispose();
    }
}

/// <summary>A file that a stream is captured to, the log it is read by, its size, which may be more than the log tells yet, and what was dropped after that.</summary>
/// <param name="Disk">Whose room is watched; null: nobody's.</param>
sealed record LogFile(LazyFile File, OutputLog Log, long Size, long Dropped = 0, StateDisk? Disk = null);

/// <summary>The files of one job, to be written to, and how they get to the disk.</summary>
sealed record CaptureFiles(LogFile Stdout, LogFile Stderr, LogFile Index, KeptFile Kept, OutputSync Sync)
{
    /// <summary>The time of the last record in the index; 0: there is none.</summary>
    public long LastTicks { get; init; }
}
