using Microsoft.Win32.SafeHandles;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>Where jobs' output lies: <c>jobs/UUID/stdout</c> and <c>stderr</c> under the state directory, raw bytes, and <c>index</c>.</summary>
sealed class OutputFiles(string stateDirectory)
{
    private const uint OwnerOnly = 0x180; // 0600
    private const uint OwnerOnlyFolder = 0x1C0; // 0700

    private readonly string _jobs = System.IO.Path.Combine(stateDirectory, "jobs");

    public string Folder(JobId id) => System.IO.Path.Combine(_jobs, id.ToString());

    /// <summary>Makes a job's folder, which must not be there.</summary>
    public void CreateFolder(JobId id)
    {
        Directory.CreateDirectory(_jobs, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (Libc.MakeDirectory(Folder(id), OwnerOnlyFolder) != 0) throw LinuxException.Last("mkdir", Folder(id));
    }

    /// <summary>A new empty file for a stream, open for writing.</summary>
    public Fd Create(JobId id, OutputKind kind) => Create(Path(id, kind));

    /// <summary>The same for its index.</summary>
    public Fd CreateIndex(JobId id) => Create(IndexPath(id));

    private static Fd Create(string path)
    {
        var file = Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.CloseOnExec, OwnerOnly);
        return file.IsInvalid ? throw LinuxException.Last("open", path) : file;
    }

    /// <summary>Removes a job's folder and all that is in it.</summary>
    public void Remove(JobId id)
    {
        if (Directory.Exists(Folder(id))) Directory.Delete(Folder(id), recursive: true);
    }

    /// <summary>A stream that grows.</summary>
    public OutputLog Growing(JobId id, OutputKind kind) => new(() => Open(Path(id, kind)));

    public OutputLog GrowingIndex(JobId id) => new(() => Open(IndexPath(id)));

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
        return new(() => size > 0 ? Open(path) : new NoBytes(), size - size % OutputRecord.Size, complete: true);
    }

    private static long Size(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private static FileBytes Open(string path) =>
        new(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

    private string IndexPath(JobId id) => System.IO.Path.Combine(Folder(id), "index");

    private string Path(JobId id, OutputKind kind) =>
        System.IO.Path.Combine(Folder(id), kind is OutputKind.Stdout ? "stdout" : "stderr");

    private sealed class FileBytes(SafeFileHandle file) : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer) => RandomAccess.Read(file, buffer, offset);

        public void Dispose() => file.Dispose();
    }

    private sealed class NoBytes : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer) => 0;

        public void Dispose() { }
    }
}
