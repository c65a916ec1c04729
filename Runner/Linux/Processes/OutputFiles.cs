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
    private const long MostTicks = 3155378975999999999; // of DateTime

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
        OutputSync.Sync(stateDirectory);
        CanGiveBack = FileHead.WorksIn(_jobs);
    }

    /// <summary>Whether the head of a file can be given back to this file system while its tail is kept.</summary>
    public bool CanGiveBack { get; }

    public string Folder(JobId id) => System.IO.Path.Combine(_jobs, id.ToString());

    /// <summary>The files of a new job, each made when there is something to write to it: a silent job costs none.</summary>
    public CaptureFiles New(JobId id) => Files(id, isNew: true);

    /// <summary>The files of a job that a former server captured to.</summary>
    /// <exception cref="IOException">The disk does not tell what there is: it must not be taken for nothing, and written over.</exception>
    public CaptureFiles Reopen(JobId id)
    {
        var files = Files(id, isNew: false);

        // What is on record is told; the rest of the files once it is.
        files.Index.Log.Grow(files.Index.Size - files.Index.Size % OutputRecord.Size);
        try
        {
            using var index = new OutputIndex(files.Index.Log);
            foreach (var (kind, stream) in new[] { (OutputKind.Stdout, files.Stdout), (OutputKind.Stderr, files.Stderr) })
            {
                // More than there is: a disk has lost the rest, or has damaged the index. Then all there is counts as captured now.
                var end = index.EndBeforeAsync(kind, index.Count, CancellationToken.None).AsTask().GetAwaiter().GetResult() ?? 0;
                if (end >= 0 && end <= stream.Size) stream.Log.Grow(end);
                else files.Sync.DiskFailed = true;
            }
            return files with { LastTicks = index.Count > 0 && index[index.Count - 1].Ticks is > 0 and <= MostTicks and var last ? last : 0 };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The job goes on: its bytes are recorded as captured now, past the blocks that cannot be read, for to write to a
            // part of one it has to be read. Whoever reads by what is lost is told.
            files.Index.Log.Grow((files.Index.Size + IndexWriter.Unit - 1) / IndexWriter.Unit * IndexWriter.Unit);
            return files;
        }
    }

    private CaptureFiles Files(JobId id, bool isNew)
    {
        var kept = new KeptFile(new LazyFile(() => OpenForWriting(id, KeptPath(id))));
        return new(Stream(OutputKind.Stdout), Stream(OutputKind.Stderr), For(IndexPath(id), 0, 0), kept, new(Folder(id), isNew));

        LogFile Stream(OutputKind kind)
        {
            var (first, dropped) = isNew ? default : KeptOf(id, kind);
            return For(Path(id, kind), first, dropped);
        }

        LogFile For(string path, long first, long dropped)
        {
            var log = new OutputLog(() => Open(path));
            log.DropBefore(first);
            return new(new LazyFile(() => OpenForWriting(id, path)), log, isNew ? 0 : DiskFile.Size(path), dropped, _disk);
        }
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

    /// <summary>Has all on the disk that a former server captured of a job. Whether the disk had failed.</summary>
    /// <exception cref="LinuxException">It did not take all of it.</exception>
    public async Task<bool> SyncAsync(JobId id)
    {
        var sync = new OutputSync(Folder(id), isNew: false);
        await sync.RunAsync().ConfigureAwait(false);
        return sync.DiskFailed;
    }

    /// <summary>Removes a job's folder and all that is in it.</summary>
    public void Remove(JobId id)
    {
        if (DiskFile.Exists(Folder(id))) Directory.Delete(Folder(id), recursive: true);
    }

    /// <summary>A stream that is complete.</summary>
    public OutputLog Complete(JobId id, OutputKind kind, long length, KeptOutput? kept)
    {
        var path = Path(id, kind);
        return new(() => Open(path), length, complete: true, kept);
    }

    /// <summary>A stream as a server left it that did not come to record it.</summary>
    public OutputLog Left(JobId id, OutputKind kind, bool afterPowerCut)
    {
        var (path, (first, dropped)) = (Path(id, kind), KeptOf(id, kind));
        var size = DiskFile.Size(path);

        // The disk may have taken back more than was written down: no zeros are told for that. Only then: what was written is
        // exact after the death of a process, and some file systems make holes of zeros that a job wrote.
        if (afterPowerCut && (first > 0 || DiskFile.Exists(KeptPath(id)))) first = Math.Max(first, HoleBefore(path, size));
        return new(() => Open(path), size + dropped, complete: true, first + dropped > 0 ? new(first, first + dropped) : null);
    }

    /// <summary>What was written down of a stream. Where a disk has damaged that, its file still tells where it begins.</summary>
    private (long First, long Dropped) KeptOf(JobId id, OutputKind kind)
    {
        var (path, size) = (Path(id, kind), DiskFile.Size(Path(id, kind)));
        try
        {
            var (first, dropped) = KeptFile.Read(KeptPath(id), kind);
            if (first >= 0 && first <= size && dropped >= 0) return (first, dropped);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As if it were damaged.
        }
        return (HoleBefore(path, size), 0);
    }

    /// <summary>Where the last hole of a file ends; a stream has none but where its head was given back.</summary>
    private static long HoleBefore(string path, long size)
    {
        using var file = Libc.Open(path, OpenFlags.ReadOnly | OpenFlags.CloseOnExec);
        var end = 0L;
        if (file.IsInvalid) return end;
        for (var hole = 0L; hole < size && (hole = Libc.Seek(file, hole, Libc.SeekHole)) >= 0 && hole < size;)
        {
            // Past the last data: ENXIO.
            var data = Libc.Seek(file, hole, Libc.SeekData);
            end = hole = data < 0 ? size : data;
        }
        return end;
    }

    /// <summary>An index that is complete, without a record that was cut off; empty if there is none.</summary>
    public OutputLog CompleteIndex(JobId id)
    {
        var path = IndexPath(id);
        var size = DiskFile.Size(path);
        return new(() => Open(path), size - size % OutputRecord.Size, complete: true);
    }

    private static FileBytes Open(string path) => new(path);

    private string KeptPath(JobId id) => System.IO.Path.Combine(Folder(id), "kept");

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
            try
            {
                return RandomAccess.Read(_file, buffer, offset);
            }
            catch (IOException e)
            {
                throw new IOException($"from byte {offset} on: {e.Message}", e);
            }
        }

        public void Dispose() => _file?.Dispose();
    }
}
