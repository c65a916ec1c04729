using Microsoft.Win32.SafeHandles;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Output;

namespace Runner.Linux.Processes;

/// <summary>Where jobs' output lies: <c>jobs/UUID/stdout</c> and <c>stderr</c> under the state directory, raw bytes.</summary>
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
    public Fd Create(JobId id, OutputKind kind)
    {
        var path = Path(id, kind);
        var file = Libc.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.CloseOnExec, OwnerOnly);
        return file.IsInvalid ? throw LinuxException.Last("open", path) : file;
    }

    /// <summary>Removes a job's folder and all that is in it.</summary>
    public void Remove(JobId id)
    {
        if (Directory.Exists(Folder(id))) Directory.Delete(Folder(id), recursive: true);
    }

    /// <summary>A stream that grows.</summary>
    public OutputLog Growing(JobId id, OutputKind kind) => new(() => Open(id, kind));

    /// <summary>A stream that is complete.</summary>
    public OutputLog Complete(JobId id, OutputKind kind, long? length)
    {
        var file = new FileInfo(Path(id, kind));
        return new(() => Open(id, kind), length ?? (file.Exists ? file.Length : 0), complete: true);
    }

    private FileBytes Open(JobId id, OutputKind kind) =>
        new(File.OpenHandle(Path(id, kind), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));

    private string Path(JobId id, OutputKind kind) =>
        System.IO.Path.Combine(Folder(id), kind is OutputKind.Stdout ? "stdout" : "stderr");

    private sealed class FileBytes(SafeFileHandle file) : IOutputBytes
    {
        public int Read(long offset, Span<byte> buffer) => RandomAccess.Read(file, buffer, offset);

        public void Dispose() => file.Dispose();
    }
}
