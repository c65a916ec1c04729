using System.Text;
using Runner.Jobs;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>What server and keeper say to each other. Both are always the same program, or an older and a newer one of it.</summary>
enum MessageKind : byte
{
    // Server to keeper.

    /// <summary>Start a program: call, job, how many descriptors are to be kept. Descriptors: order, cgroup, the three streams, those to keep, v1 tasks.</summary>
    Start = 1,

    /// <summary>The job's end is stored: nothing of it need be kept.</summary>
    Forget = 2,

    /// <summary>The listening socket, to be kept for the next server.</summary>
    Listening = 3,

    /// <summary>Calls are answered from now on.</summary>
    Ready = 4,

    /// <summary>A job that was started for nothing: kill it and forget it.</summary>
    Abandon = 5,

    /// <summary>Answer to <see cref="Ping"/>.</summary>
    Pong = 16,

    // Keeper to server.

    /// <summary>Call, process id; a pidfd.</summary>
    Started = 65,

    /// <summary>Call, step, error number.</summary>
    NotStarted = 66,

    /// <summary>A job's main process has gone: job, process id, how, when. The job may have been forgotten and started anew meanwhile.</summary>
    Gone = 67,

    /// <summary>A job of a former server: job, process id; a pidfd and what was kept.</summary>
    Kept = 68,

    /// <summary>The listening socket of a former server.</summary>
    KeptSocket = 69,

    /// <summary>All that was kept has been told.</summary>
    AllKept = 70,

    /// <summary>Whether the server is alive.</summary>
    Ping = 80,
}

/// <summary>Messages as bytes.</summary>
static class Messages
{
    public static byte[] Start(uint call, JobId job, int kept) => Write(MessageKind.Start, to => { to.Write(call); Write(to, job); to.Write((byte)kept); });

    public static byte[] Forget(JobId job) => Write(MessageKind.Forget, to => Write(to, job));

    public static byte[] Abandon(JobId job) => Write(MessageKind.Abandon, to => Write(to, job));

    public static byte[] Started(uint call, int pid) => Write(MessageKind.Started, to => { to.Write(call); to.Write(pid); });

    public static byte[] NotStarted(uint call, SpawnStep step, Errno errno) =>
        Write(MessageKind.NotStarted, to => { to.Write(call); to.Write((int)step); to.Write((int)errno); });

    public static byte[] Gone(JobId job, int pid, ReapedProcess exit) => Write(MessageKind.Gone, to => { Write(to, job); to.Write(pid); Write(to, exit); });

    public static byte[] Kept(JobId job, int pid) => Write(MessageKind.Kept, to => { Write(to, job); to.Write(pid); });

    public static byte[] Plain(MessageKind kind) => [(byte)kind];

    public static (MessageKind Kind, BinaryReader Fields) Read(ReceivedMessage message)
    {
        var reader = new BinaryReader(new MemoryStream(message.Bytes.ToArray()), Encoding.UTF8);
        return ((MessageKind)reader.ReadByte(), reader);
    }

    public static JobId ReadJob(this BinaryReader from) => JobId.Parse(from.ReadString());

    public static ReapedProcess ReadExit(this BinaryReader from) => new(
        from.ReadBoolean() ? new ProcessExit.Exited(from.ReadInt32()) : new ProcessExit.Signaled(from.ReadInt32(), from.ReadBoolean()),
        from.ReadInt64(), from.ReadInt64(), from.ReadBoolean(), new(from.ReadInt64(), TimeSpan.Zero));

    public static void Write(BinaryWriter to, JobId job) => to.Write(job.ToString());

    public static void Write(BinaryWriter to, ReapedProcess gone)
    {
        to.Write(gone.Exit is ProcessExit.Exited);
        switch (gone.Exit)
        {
            case ProcessExit.Exited(var code):
                to.Write(code);
                break;
            case ProcessExit.Signaled(var signal, var dumped):
                to.Write(signal);
                to.Write(dumped);
                break;
        }
        to.Write(gone.VoluntarySwitches);
        to.Write(gone.InvoluntarySwitches);
        to.Write(gone.OomSpared);
        to.Write(gone.At.UtcTicks);
    }

    private static byte[] Write(MessageKind kind, Action<BinaryWriter> fields)
    {
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write((byte)kind);
        fields(writer);
        writer.Flush();
        return bytes.ToArray();
    }
}
