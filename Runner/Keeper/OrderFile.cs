using System.Text;
using Microsoft.Win32.SafeHandles;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>A program to start as a memory file (memfd_create(2)): arguments and environment may be longer than a message.</summary>
static class OrderFile
{
    public const uint CloseOnExec = 1; // MFD_CLOEXEC

    public static Fd Write(SpawnOrder order)
    {
        var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(order.Path);
            writer.Write(order.Directory);
            WriteAll(writer, order.Argv);
            WriteAll(writer, order.Envp);
        }
        var file = Libc.CreateMemoryFile("order", CloseOnExec);
        if (file.IsInvalid) throw LinuxException.Last("memfd_create");
        try
        {
            using var handle = Handle(file);
            RandomAccess.Write(handle, bytes.GetBuffer().AsSpan(0, (int)bytes.Length), 0);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <param name="file">What was written.</param>
    /// <param name="fds">Cgroup, the three streams, then v1 tasks.</param>
    public static SpawnOrder Read(Fd file, IReadOnlyList<Fd> fds)
    {
        using var handle = Handle(file);
        var bytes = new byte[RandomAccess.GetLength(handle)];
        for (var filled = 0; filled < bytes.Length;)
        {
            var read = RandomAccess.Read(handle, bytes.AsSpan(filled), filled);
            if (read == 0) throw new InvalidDataException("an order to start a program was cut");
            filled += read;
        }
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        return new(reader.ReadString(), Directory: reader.ReadString(), Argv: ReadAll(reader), Envp: ReadAll(reader),
            Cgroup: fds[0], Tasks: [.. fds.Skip(4)], Streams: (fds[1], fds[2], fds[3]));
    }

    private static void WriteAll(BinaryWriter writer, IReadOnlyList<string> texts)
    {
        writer.Write(texts.Count);
        foreach (var text in texts) writer.Write(text);
    }

    private static string[] ReadAll(BinaryReader reader)
    {
        var texts = new string[reader.ReadInt32()];
        for (var i = 0; i < texts.Length; i++) texts[i] = reader.ReadString();
        return texts;
    }

    private static SafeFileHandle Handle(Fd file) => new(file.Number, ownsHandle: false);
}
