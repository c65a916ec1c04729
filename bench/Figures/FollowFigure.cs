using System.Globalization;
using Runner.Bench.Measuring;
using Runner.Bench.Programs;

namespace Runner.Bench.Figures;

/// <summary>Much output to one client, against a copy of the same file over TLS with the same messages.</summary>
sealed class FollowFigure : IFigure
{
    private const double Mebibyte = 1 << 20;

    public string Name => "follow";

    public async Task MeasureAsync(Session session)
    {
        var bytes = (long)session.Times(1 << 30, 1 << 26);
        var size = bytes == 1 << 30 ? "1 GiB" : string.Create(CultureInfo.InvariantCulture, $"{bytes / Mebibyte} MiB");
        using var server = new ServedRunner(session.Binary);
        using var client = server.Connect();
        string[] much = ["head", "-c", bytes.ToString(CultureInfo.InvariantCulture), "/dev/zero"];
        var job = await ServedRunner.RunJobAsync(client, much[0], much[1..]);
        using var bare = new TlsFloor(session.FloorProgram("tls"), server.Folder, Path.Combine(server.State, "jobs", job.ToString(), "stdout"));
        var (stored, live, copy, capture) = (new Transfer(bytes), new Transfer(bytes), new Transfer(bytes), new Transfer(bytes));
        copy.Add(bare.Pull, () => bare.Cpu);
        copy.Forget(); // it has warmed up the file

        await session.InTurnsAsync(
            session.Times(4, 2),
            () => copy.Add(bare.Pull, () => bare.Cpu),
            () => stored.Add(() => server.Run("logs", job.ToString()), () => server.Cpu),
            () => capture.Add(() => Child.Run(session.FloorProgram("capture"), [server.Folder.At("captured"), .. much], []), () => 0),
            () =>
            {
                live.Add(() => server.Run(["run", "--", .. much]), () => server.Cpu);

                // Files that stay would let memory run out, and new memory is slow to come by in a virtual machine.
                foreach (var other in Directory.GetDirectories(Path.Combine(server.State, "jobs")))
                    if (Path.GetFileName(other) != job.ToString()) Directory.Delete(other, recursive: true);
            });

        var (rate, cpu) = (new Floor("C: TLS copy of the file", copy.Rate), new Floor("C: TLS copy of the file", copy.Cpu));
        session.Add(new(Name, $"`runner logs` of {size}", "MiB/s", stored.Rate) { Floor = rate, Target = Target.OfRatio(0.5), IsRate = true });
        session.Add(new(Name, $"`runner run` of a job that writes {size}", "MiB/s", live.Rate) { Floor = rate, Target = Target.OfRatio(0.5), IsRate = true });
        session.Add(new(Name, $"`runner run` of a job that writes {size}", "MiB/s", live.Rate) { Floor = new("C: splice from the pipe into a file, to nobody", capture.Rate), IsRate = true });
        session.Add(new(Name, "CPU seconds a GiB of both ends, `runner logs`", "s", stored.Cpu) { Floor = cpu, Target = Target.OfMedian(5) });
        session.Add(new(Name, "CPU seconds a GiB of both ends, `runner run`, capture included", "s", live.Cpu) { Floor = cpu, Target = Target.OfMedian(5) });
    }

    /// <summary>Copies of so many bytes: how fast, and what they cost both ends.</summary>
    private sealed class Transfer(long bytes)
    {
        public Samples Rate { get; private set; } = new();

        public Samples Cpu { get; private set; } = new();

        public void Add(Func<Ran> copy, Func<double> serverCpu)
        {
            var before = serverCpu();
            var ran = copy();
            Rate.Add(bytes / Mebibyte / (ran.Milliseconds / 1000));
            Cpu.Add((ran.Cpu + serverCpu() - before) * (1 << 30) / bytes);
        }

        public void Forget() => (Rate, Cpu) = (new(), new());
    }
}
