using System.Runtime.InteropServices;
using System.Text;
using Runner.Linux.Native;

namespace Runner.Linux.Cgroups;

/// <summary>One directory of one hierarchy, v1 or v2: its files as text, its nested cgroups, its processes.</summary>
sealed class CgroupDirectory(string path)
{
    public string Path { get; } = path;

    public string Name => System.IO.Path.GetFileName(Path);

    public bool Exists => Directory.Exists(Path);

    public CgroupDirectory Child(string name) => new($"{Path}/{name}");

    public Errno Make() => Libc.MakeDirectory(Path, 0x1ED) == 0 ? Errno.None : LastErrno(); // 0755

    /// <summary>Opens one of its files; never creates one. Invalid where there is none: <see cref="LastErrno"/> tells why.</summary>
    public Fd Open(string file, OpenFlags flags) => Libc.Open($"{Path}/{file}", flags | OpenFlags.CloseOnExec);

    /// <summary>A file's text. Null: this kernel has no such file, or the cgroup is gone.</summary>
    /// <exception cref="LinuxException">It could not be read for another reason, such as want of descriptors: nothing is known.</exception>
    public string? Read(string file)
    {
        using var fd = Open(file, OpenFlags.ReadOnly);
        if (!fd.IsInvalid) return Read(fd);
        return IsAbsence(LastErrno()) ? null : throw LinuxException.Last("open", $"{Path}/{file}");
    }

    /// <summary>The text of an open file, from its start.</summary>
    public static unsafe string? Read(Fd fd)
    {
        // Nearly every file is shorter; cgroup.procs of a large job is read on piece by piece.
        const int Piece = 4096;
        var buffer = stackalloc byte[Piece];
        StringBuilder? longer = null;
        for (long offset = 0; ;)
        {
            var got = Libc.ReadAt(fd, buffer, Piece, offset);
            if (got < 0)
                return IsAbsence(LastErrno()) ? null : throw LinuxException.Last("read");
            var text = Encoding.ASCII.GetString(buffer, (int)got);
            if (offset == 0 && got < Piece)
                return text;
            longer = (longer ?? new StringBuilder()).Append(text);
            offset += got;
            if (got == 0)
                return longer.ToString();
        }
    }

    // ENODEV: removed meanwhile; EOPNOTSUPP: a threaded cgroup, its domain lists the processes.
    private static bool IsAbsence(Errno errno) => errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ENODEV or Errno.EOPNOTSUPP;

    public Errno Write(string file, string text)
    {
        using var fd = Open(file, OpenFlags.WriteOnly);
        return Write(fd, text);
    }

    /// <summary>Writes, and reads back what the kernel made of it.</summary>
    public Errno Write(string file, string text, out string? now)
    {
        using var fd = Open(file, OpenFlags.ReadWrite);
        var errno = Write(fd, text);
        now = errno == Errno.None ? Read(fd) : null;
        return errno;
    }

    /// <summary>Writes to an open file.</summary>
    public static unsafe Errno Write(Fd fd, string text)
    {
        if (fd.IsInvalid)
            return LastErrno();
        // The kernel takes a text in one piece or not at all.
        var bytes = Encoding.ASCII.GetBytes(text);
        fixed (byte* start = bytes)
            return Libc.WriteAt(fd, start, bytes.Length, 0) == bytes.Length ? Errno.None : LastErrno();
    }

    public IReadOnlyList<CgroupDirectory> Children()
    {
        try
        {
            return [.. Directory.EnumerateDirectories(Path).Select(path => new CgroupDirectory(path))];
        }
        catch (DirectoryNotFoundException)
        {
            return []; // removed meanwhile, by the job itself or with its parent
        }
    }

    /// <summary>This cgroup and those nested in it, each before its children.</summary>
    public IEnumerable<CgroupDirectory> WithNested()
    {
        yield return this;
        foreach (var child in Children())
            foreach (var nested in child.WithNested())
                yield return nested;
    }

    /// <summary>The processes in this cgroup, without nested ones.</summary>
    public IEnumerable<int> OwnProcesses() => KernelText.ReadProcesses(Read("cgroup.procs"));

    /// <summary>The processes in this cgroup and nested ones.</summary>
    public IReadOnlyList<int> Processes() => [.. WithNested().SelectMany(cgroup => cgroup.OwnProcesses())];

    /// <summary>Whether a v2 cgroup or one nested in it has a living process; a removed one has none.</summary>
    public bool IsPopulated() => KernelText.ReadKey(Read("cgroup.events"), "populated") == 1;

    /// <summary>Removes it with the cgroups nested in it, the deepest first. EBUSY: there are processes in it.</summary>
    public Errno Remove()
    {
        var errno = RemoveEmpty();
        if (errno != Errno.EBUSY)
            return errno;
        foreach (var child in Children())
            if (child.Remove() is var failed and not Errno.None)
                return failed;
        return RemoveEmpty();
    }

    /// <summary>Removes it if nothing is in it. One that is gone already is as good.</summary>
    public Errno RemoveEmpty() =>
        Libc.RemoveDirectory(Path) == 0 || LastErrno() == Errno.ENOENT ? Errno.None : LastErrno();

    public override string ToString() => Path;

    private static Errno LastErrno() => (Errno)Marshal.GetLastPInvokeError();
}
