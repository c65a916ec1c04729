using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>All that a keeper hands to the program that takes its place in the same process: numbers of descriptors, which stay open, in a memory file.</summary>
/// <param name="Signals">What has not been acted on is in it.</param>
/// <param name="HadTerminal">When the first program in this place was started.</param>
/// <param name="ReloadAgain">Somebody asked for it once more.</param>
/// <param name="Socket">The one servers listen on; null: none yet.</param>
/// <param name="Jobs">What is kept of jobs.</param>
sealed record KeeperState(SignalPipe Signals, bool HadTerminal, bool ReloadAgain, Fd? Socket, IReadOnlyCollection<KeptJob> Jobs)
{
    /// <summary>Of what is written. A program reads its own and all that are older; it is asked before it takes over (<see cref="CanRead"/>).</summary>
    public const int Format = 1;

    private const int Magic = 0x4B505231;
    private const uint CloseOnExec = 1; // MFD_CLOEXEC

    /// <summary>The environment variable with the number of the memory file.</summary>
    public const string Variable = "RUNNER_KEEPER_STATE";

    /// <summary>The environment variable with the format that a program on trial would have to read.</summary>
    public const string TrialVariable = "RUNNER_KEEPER_FORMAT";

    /// <summary>Whether this program is only to say whether it could take the place of the one that started it.</summary>
    public static bool IsTrial => Environment.GetEnvironmentVariable(TrialVariable) is not null;

    /// <summary>Whether this program could take the place of one that tries it, if it is one.</summary>
    public static bool CanRead(string? format) => format is null || (int.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) && asked <= Format);

    /// <summary>Every descriptor in it.</summary>
    public IEnumerable<Fd> Fds =>
        [Signals.Out, Signals.In, .. Socket is null ? (Fd[])[] : [Socket], .. Jobs.SelectMany(job => (Fd[])[job.Process.Pidfd, .. job.Held])];

    /// <summary>A memory file with all of it.</summary>
    public Fd Write()
    {
        var bytes = new MemoryStream();
        using (var to = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
        {
            to.Write(Magic);
            to.Write(Format);
            to.Write(Signals.Out.Number);
            to.Write(Signals.In.Number);
            to.Write(HadTerminal);
            to.Write(ReloadAgain);
            to.Write(Socket?.Number ?? -1);
            to.Write(Jobs.Count);
            foreach (var job in Jobs) Write(to, job);
        }
        var file = Libc.CreateMemoryFile("keeper", CloseOnExec);
        if (file.IsInvalid) throw LinuxException.Last("memfd_create");
        using var handle = new SafeFileHandle(file.Number, ownsHandle: false);
        RandomAccess.Write(handle, bytes.GetBuffer().AsSpan(0, (int)bytes.Length), 0);
        return file;
    }

    /// <summary>What was written; its descriptors are this process's own again, and not for those it starts.</summary>
    /// <exception cref="InvalidDataException">It is not that.</exception>
    public static KeeperState Read(int number)
    {
        using var file = new SafeFileHandle(number, ownsHandle: true);
        var bytes = new byte[RandomAccess.GetLength(file)];
        if (RandomAccess.Read(file, bytes, 0) != bytes.Length) throw new InvalidDataException("it was cut");
        using var from = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        if (from.ReadInt32() != Magic) throw new InvalidDataException("it is something else");
        if (from.ReadInt32() is not Format and var format) throw new InvalidDataException($"its format is {format}, and this program knows {Format}");
        var state = new KeeperState(
            new SignalPipe(new Fd(from.ReadInt32()), new Fd(from.ReadInt32())), from.ReadBoolean(), from.ReadBoolean(), ReadFd(from), ReadJobs(from));
        SelfReplacement.Hide(state.Fds);
        return state;
    }

    private static Fd? ReadFd(BinaryReader from) => from.ReadInt32() is >= 0 and var number ? new Fd(number) : null;

    private static void Write(BinaryWriter to, KeptJob job)
    {
        Messages.Write(to, job.Id);
        to.Write(job.Process.Pid);
        to.Write(job.Process.Pidfd.Number);
        to.Write(job.Held.Count);
        foreach (var fd in job.Held) to.Write(fd.Number);
        to.Write(job.Gone is not null);
        if (job.Gone is { } gone) Messages.Write(to, gone);
    }

    private static List<KeptJob> ReadJobs(BinaryReader from)
    {
        var jobs = new List<KeptJob>();
        for (var left = from.ReadInt32(); left > 0; left--)
        {
            var (id, process) = (from.ReadJob(), new SpawnedProcess(from.ReadInt32(), new Fd(from.ReadInt32())));
            var held = new Fd[from.ReadInt32()];
            for (var i = 0; i < held.Length; i++) held[i] = new Fd(from.ReadInt32());
            jobs.Add(new(id, process, held) { Gone = from.ReadBoolean() ? from.ReadExit() : null });
        }
        return jobs;
    }
}
