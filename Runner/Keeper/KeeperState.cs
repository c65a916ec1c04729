using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Runner.Linux.Native;
using Runner.Linux.Processes;

namespace Runner.Keeper;

/// <summary>All that a keeper hands to the program that takes its place in the same process: numbers of descriptors, which stay open, in a memory file.</summary>
/// <param name="Signals">What has not been acted on is in it; null: it comes from a front.</param>
/// <param name="HadTerminal">When the first program in this place was started.</param>
/// <param name="ReloadAgain">Somebody asked for it once more.</param>
/// <param name="Socket">The one servers listen on; null: none yet.</param>
/// <param name="Jobs">What is kept of jobs.</param>
/// <param name="Lasting">What a keeper has that outlives the `runner serve` that began it; null: it is not such a one.</param>
sealed record KeeperState(SignalPipe? Signals, bool HadTerminal, bool ReloadAgain, Fd? Socket, IReadOnlyCollection<KeptJob> Jobs, LastingState? Lasting = null)
{
    /// <summary>Of what is written. A program reads its own and all that are older; it is asked before it takes over (<see cref="CanRead"/>). A keeper that
    /// needs no newer one writes the first.</summary>
    public const int Format = 1, LastingFormat = 2;

    private const int Magic = 0x4B505231;

    /// <summary>The environment variable with the number of the memory file.</summary>
    public const string Variable = "RUNNER_KEEPER_STATE";

    /// <summary>The environment variable with the format that a program on trial would have to read.</summary>
    public const string TrialVariable = "RUNNER_KEEPER_FORMAT";

    /// <summary>What a program on trial says first if it can take over.</summary>
    public const string TrialAnswer = "runner can take over\n";

    public static bool IsTrialAnswer(Fd file)
    {
        using var handle = new SafeFileHandle(file.Number, ownsHandle: false);
        var bytes = new byte[TrialAnswer.Length];
        return RandomAccess.Read(handle, bytes, 0) == bytes.Length && Encoding.ASCII.GetString(bytes) == TrialAnswer;
    }

    /// <summary>Whether this program is only to say whether it could take the place of the one that started it.</summary>
    public static bool IsTrial => Environment.GetEnvironmentVariable(TrialVariable) is not null;

    /// <summary>Whether this program could take the place of one that tries it, if it is one.</summary>
    public static bool CanRead(string? format) => format is null || (int.TryParse(format, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) && asked <= LastingFormat);

    /// <summary>Every descriptor in it.</summary>
    public IEnumerable<Fd> Fds =>
        [.. Signals is null ? (Fd[])[] : [Signals.Out, Signals.In], .. Socket is null ? (Fd[])[] : [Socket], .. Lasting?.Fds ?? [], .. Jobs.SelectMany(job => (Fd[])[job.Process.Pidfd, .. job.Held])];

    /// <summary>A memory file with all of it.</summary>
    public Fd Write()
    {
        var bytes = new MemoryStream();
        using (var to = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
        {
            to.Write(Magic);
            to.Write(Lasting is null ? Format : LastingFormat);
            Write(to, Signals?.Out);
            Write(to, Signals?.In);
            to.Write(HadTerminal);
            to.Write(ReloadAgain);
            Write(to, Socket);
            to.Write(Jobs.Count);
            foreach (var job in Jobs) Write(to, job);
            Lasting?.Write(to);
        }
        var file = Libc.CreateMemoryFile("keeper", OrderFile.CloseOnExec);
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
        var format = from.ReadInt32();
        if (format is not (Format or LastingFormat)) throw new InvalidDataException($"its format is {format}, and this program knows {Format} and {LastingFormat}");
        var (signalsOut, signalsIn) = (ReadFd(from), ReadFd(from));
        var state = new KeeperState(
            signalsOut is null || signalsIn is null ? null : new SignalPipe(signalsOut, signalsIn),
            from.ReadBoolean(), from.ReadBoolean(), ReadFd(from), ReadJobs(from), format == LastingFormat ? LastingState.Read(from) : null);
        SelfReplacement.Hide(state.Fds);
        return state;
    }

    public static void Write(BinaryWriter to, Fd? fd) => to.Write(fd?.Number ?? -1);

    public static Fd? ReadFd(BinaryReader from) => from.ReadInt32() is >= 0 and var number ? new Fd(number) : null;

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

/// <summary>What is handed on of a keeper that outlives the `runner serve` that began it.</summary>
/// <param name="Front">Who is in now.</param>
/// <param name="Door">Where the next one comes in; null: no server has answered calls yet.</param>
/// <param name="IsReload">It comes between two servers; else before the first one of this front.</param>
sealed record LastingState(FrontWish Front, Fd? Door, bool IsReload)
{
    public IEnumerable<Fd> Fds => [.. Front.Fds, .. Door is null ? (Fd[])[] : [Door]];

    public void Write(BinaryWriter to)
    {
        Front.Write(to);
        KeeperState.Write(to, Door);
        to.Write(IsReload);
    }

    public static LastingState Read(BinaryReader from) => new(FrontWish.Read(from), KeeperState.ReadFd(from), from.ReadBoolean());
}
