using Microsoft.Win32.SafeHandles;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>Where jobs' output lies: <c>jobs/UUID/stdout</c> and <c>stderr</c> under the state directory, raw bytes, and <c>index</c>.</summary>
sealed class OutputFiles
{
    private const uint OwnerOnly = 0x180; // 0600
    private const uint OwnerOnlyFolder = 0x1C0; // 0700

    // Each waits for the disk: enough to let it gather their writes, few enough to leave the pool its threads.
    private const int MostSyncing = 4;
    private static readonly SemaphoreSlim s_syncing = new(MostSyncing);

    private readonly string _jobs;
    private readonly StateDisk? _disk;

    /// <param name="stateDirectory">Where; must be there.</param>
    /// <param name="disk">Its disk, if the room there is to be watched.</param>
    /// <exception cref="LinuxException">Nothing can be kept there.</exception>
    public OutputFiles(string stateDirectory, StateDisk? disk = null)
    {
        _disk = disk;
        _jobs = System.IO.Path.Combine(stateDirectory, "jobs");
        MakeFolder(_jobs);
        if (!Directory.Exists(_jobs)) throw new LinuxException("mkdir", Errno.ENOTDIR, _jobs);
        Sync(stateDirectory);
    }

    public string Folder(JobId id) => System.IO.Path.Combine(_jobs, id.ToString());

    /// <summary>The files of a new job, each made when there is something to write to it: a silent job costs none.</summary>
    public CaptureFiles New(JobId id) => Files(id, _ => 0);

    /// <summary>The files of a job that a former server captured to.</summary>
    public CaptureFiles Reopen(JobId id)
    {
        var files = Files(id, Size);

        // What is on record is told; the rest of the files once it is.
        files.Index.Log.Grow(files.Index.Size - files.Index.Size % OutputRecord.Size);
        using var index = new OutputIndex(files.Index.Log);
        files.Stdout.Log.Grow(index.EndBeforeAsync(OutputKind.Stdout, index.Count, CancellationToken.None).AsTask().GetAwaiter().GetResult());
        files.Stderr.Log.Grow(index.EndBeforeAsync(OutputKind.Stderr, index.Count, CancellationToken.None).AsTask().GetAwaiter().GetResult());
        return files with { LastTicks = index.Count > 0 ? index[index.Count - 1].Ticks : 0 };
    }

    private CaptureFiles Files(JobId id, Func<string, long> size)
    {
        return new(For(Path(id, OutputKind.Stdout)), For(Path(id, OutputKind.Stderr)), For(IndexPath(id)), () => SyncAsync(id));

        LogFile For(string path) => new(new LazyFile(() => OpenForWriting(id, path)), new OutputLog(() => Open(path)), size(path), _disk);
    }

    private static void MakeFolder(string folder)
    {
        if (Libc.MakeDirectory(folder, OwnerOnlyFolder) != 0 && LinuxException.Last("mkdir", folder) is { Errno: not Errno.EEXIST } refused) throw refused;
    }

    /// <summary>Makes the job's folder too, if it is not there.</summary>
    private Fd OpenForWriting(JobId id, string path)
    {
        var file = Open();
        if (!file.IsInvalid) return file;
        MakeFolder(Folder(id));
        file = Open();
        return file.IsInvalid ? throw LinuxException.Last("open", path) : file;

        Fd Open() => Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.CloseOnExec, OwnerOnly);
    }

    /// <summary>Puts a job's files on the disk, where a power cut leaves them: their bytes, their names, their folder's name (fsync(2)).</summary>
    /// <exception cref="LinuxException">The disk did not take all of it.</exception>
    public async Task SyncAsync(JobId id)
    {
        await s_syncing.WaitAsync().ConfigureAwait(false);
        try
        {
            await Task.Run(() =>
            {
                foreach (var file in Directory.GetFiles(Folder(id))) Sync(file);
                Sync(Folder(id));
                Sync(_jobs);
            }).ConfigureAwait(false);
        }
        finally
        {
            s_syncing.Release();
        }
    }

    private static void Sync(string path)
    {
        using var file = Libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        if (file.IsInvalid) throw LinuxException.Last("open", path);
        if (Libc.Sync(file) != 0) throw LinuxException.Last("fsync", path);
    }

    /// <summary>Removes a job's folder and all that is in it.</summary>
    public void Remove(JobId id)
    {
        if (Directory.Exists(Folder(id))) Directory.Delete(Folder(id), recursive: true);
    }

    /// <summary>A stream that is complete.</summary>
    public OutputLog Complete(JobId id, OutputKind kind, long? length)
    {
        var path = Path(id, kind);
        return new(() => Open(path), length ?? Size(path), complete: true);
    }

    /// <summary>An index that is complete, without a record that was cut off; empty if there is none.</summary>
    public OutputLog CompleteIndex(JobId id)
    {
        var path = IndexPath(id);
        var size = Size(path);
        return new(() => Open(path), size - size % OutputRecord.Size, complete: true);
    }

    private static long Size(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static FileBytes Open(string path) => new(path);

    private string IndexPath(JobId id) => System.IO.Path.Combine(Folder(id), "index");

    private string Path(JobId id, OutputKind kind) =>
        System.IO.Path.Combine(Folder(id), kind is OutputKind.Stdout ? "stdout" : "stderr");

    /// <summary>Opened at the first read, which comes when there is something: before that there may be no file.</summary>
    private sealed class FileBytes(string path) : IOutputBytes
    {
        private SafeFileHandle? _file;

        public int Read(long offset, Span<byte> buffer)
        {
            _file ??= File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return RandomAccess.Read(_file, buffer, offset);
        }

        public void Dispose() => _file?.Dispose();
    }
}
