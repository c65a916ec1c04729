using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Runner.Access;
using Runner.Jobs;
using Runner.Linux.Cgroups;
using Runner.Tests.Grpc;
using Runner.Tests.Support;
using Runner.Wire;
using Start = Runner.V1.StartJobRequest;

namespace Runner.Tests.Server;

/// <summary>What any client can send, the command line or not: each wrong call has one exact answer, and nothing is left of it.</summary>
public sealed class WrongCallTests
{
    private const string Unknown = "0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001";
    private const string AnId = "must be a UUID such as 0199d3c4-5f2e-7a10-8c3b-2f6f1d9be001";

    // What is changed of a start that would work, the field at fault, and the sentence.
    private static readonly (Action<V1.JobSpec> Spoil, string Field, string Sentence)[] s_specs =
    [
        (spec => spec.Command = "", "spec.command", "command: must not be empty"),
        (spec => spec.Command = "bin/true", "spec.command", "command 'bin/true': must be an absolute path, or a name without '/' that is on the job's PATH"),
        (spec => spec.Command = "/bin/true\0", "spec.command", "command: must not hold a NUL character"),
        (spec => spec.Args.Add(""), "spec.args[0]", "argument 1: must not be empty unless allow_empty_args is set"),
        (spec => spec.Args.Add(["x", "a\0b"]), "spec.args[1]", "argument 2: must not hold a NUL character"),
        (spec => spec.Args.Add(new string('x', 128 * 1024)), "spec.args[0]", "argument 1: must be at most 131071 bytes"),
        (spec => spec.Args.Add("\uFFFD"), "spec.args[0]", "argument 1: holds U+FFFD, which stands for bytes that are not UTF-8; it must be UTF-8"),
        (spec => spec.Env["A=B"] = "x", "spec.env[A=B]", "environment 'A=B': a name must not be empty and must not hold '='"),
        (spec => spec.Env["A\0"] = "x", @"spec.env[A\u{0}]", @"environment name 'A\u{0}': must not hold a NUL character"),
        (spec => spec.Env["A"] = "\0", "spec.env[A]", "environment A: must not hold a NUL character"),
        (spec => spec.WorkingDirectory = "tmp", "spec.working_directory", "working directory 'tmp': must be absolute"),
        (spec => spec.WorkingDirectory = "/tmp\0", "spec.working_directory", "working directory: must not hold a NUL character"),
        (spec => spec.GracePeriod = Duration.FromTimeSpan(TimeSpan.FromSeconds(-1)), "spec.grace_period", "grace period -1 s: must be 0 s to 1 hour"),
        (spec => spec.GracePeriod = new() { Seconds = 1, Nanos = -1 }, "spec.grace_period", "spec.grace_period 1 s -1 ns: must be a span of time, both parts with one sign and less than a second of nanoseconds"),
        (spec => spec.GracePeriod = new() { Seconds = long.MaxValue }, "spec.grace_period", "spec.grace_period 9223372036854775807 s 0 ns: must be a span of time, both parts with one sign and less than a second of nanoseconds"),
        (spec => spec.Limits.Cpus = 0, "spec.limits.cpus", "cpus 0: must be 0.01 to 10000 cores"),
        (spec => spec.Limits.Cpus = -0.5, "spec.limits.cpus", "cpus -0.5: must be 0.01 to 10000 cores"),
        (spec => spec.Limits.Cpus = double.NaN, "spec.limits.cpus", "cpus NaN: must be 0.01 to 10000 cores"),
        (spec => spec.Limits.Cpus = double.NegativeInfinity, "spec.limits.cpus", "cpus -Infinity: must be 0.01 to 10000 cores"),
        (spec => spec.Limits.MemoryBytes = 0, "spec.limits.memory_bytes", "memory 0 bytes: must be at least 1 MiB (1048576) and at most 1 PiB"),
        (spec => spec.Limits.MemoryBytes = -1, "spec.limits.memory_bytes", "memory -1 bytes: must be at least 1 MiB (1048576) and at most 1 PiB"),
        (spec => spec.Limits.MemoryBytes = long.MinValue, "spec.limits.memory_bytes", "memory -9223372036854775808 bytes: must be at least 1 MiB (1048576) and at most 1 PiB"),
        (spec => spec.Limits.SwapBytes = 1, "spec.limits.swap_bytes", "swap 1 bytes: must come with a memory limit"),
        (spec => (spec.Limits.MemoryBytes, spec.Limits.SwapBytes) = (1 << 20, -1), "spec.limits.swap_bytes", "swap -1 bytes: must be 0 to 1 PiB"),
        (spec => spec.Limits.MemoryHighBytes = 4096, "spec.limits.memory_high_bytes", "high memory 4096 bytes: must be at least 1 MiB (1048576) and at most 1 PiB"),
        (spec => spec.Limits.Pids = 0, "spec.limits.pids", "pids 0: must be 1 to 4194304"),
        (spec => spec.Limits.Pids = -1, "spec.limits.pids", "pids -1: must be 1 to 4194304"),
        (spec => spec.Limits.CpuWeight = 0, "spec.limits.cpu_weight", "cpu weight 0: must be 1 to 10000"),
        (spec => spec.Limits.IoWeight = long.MaxValue, "spec.limits.io_weight", "io weight 9223372036854775807: must be 1 to 10000"),
        (spec => spec.Limits.ReadBps = 1, "spec.limits.read_bps", "bytes read a second 1: must come with a device"),
        (spec => { spec.Limits.Devices.Add("8:0"); spec.Limits.WriteBps = -1; }, "spec.limits.write_bps", "bytes written a second -1: must be 1 to 1125899906842624"),
        (spec => { spec.Limits.Devices.Add("8:0"); spec.Limits.ReadIops = 0; }, "spec.limits.read_iops", "reads a second 0: must be 1 to 4294967294"),
        (spec => { spec.Limits.Devices.Add("8:0"); spec.Limits.WriteIops = uint.MaxValue; }, "spec.limits.write_iops", "writes a second 4294967295: must be 1 to 4294967294"),
        (spec => { spec.Limits.Devices.Add("8:0:1"); spec.Limits.ReadBps = 1; }, "spec.limits.devices[0]", "device '8:0:1': must be MAJOR:MINOR or an absolute path"),
        (spec => { spec.Limits.Devices.Add(""); spec.Limits.ReadBps = 1; }, "spec.limits.devices[0]", "device '': must be MAJOR:MINOR or an absolute path"),
        (spec => { spec.Limits.Devices.Add("/\0"); spec.Limits.ReadBps = 1; }, "spec.limits.devices[0]", "device 1: must not hold a NUL character"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_bad_field_is_answered_with_its_name_its_value_and_what_is_valid()
    {
        await using var served = await ServedMachine.StartAsync();
        var jobs = served.Jobs("uwe", Role.User);
        foreach (var (spoil, field, sentence) in s_specs)
        {
            var start = new Start { Spec = new() { Command = "/bin/true", Limits = new() } };
            spoil(start.Spec);
            await AssertRefusedAsync(() => jobs.StartJobAsync(start, cancellationToken: Token).ResponseAsync, StatusCode.InvalidArgument, JobError.BadField, sentence, field: field);
        }
        await AssertNothingIsLeftAsync(served);
    }

    [Fact]
    public async Task A_bad_question_is_answered_with_what_is_valid()
    {
        await using var served = await ServedMachine.StartAsync();
        var jobs = served.Jobs("anna", Role.Admin);
        var id = served.Machine.Start("/bin/true").Record.Id.ToString();
        (Func<Task> Ask, JobError Error, string? Field, string Sentence)[] questions =
        [
            (() => jobs.StartJobAsync(new(), cancellationToken: Token).ResponseAsync, JobError.BadField, "spec", "spec: must be there"),
            (() => jobs.StartJobAsync(new() { Id = "1", Spec = new() { Command = "/bin/true" } }, cancellationToken: Token).ResponseAsync, JobError.BadJobId, null, $"job id '1': {AnId}"),
            (() => jobs.GetJobAsync(new(), cancellationToken: Token).ResponseAsync, JobError.BadJobId, null, $"job id '': {AnId}"),
            (() => jobs.GetJobAsync(new() { Id = "../../etc" }, cancellationToken: Token).ResponseAsync, JobError.BadJobId, null, $"job id '../../etc': {AnId}"),
            (() => jobs.GetJobAsync(new() { Id = new string('a', 60_000) }, cancellationToken: Token).ResponseAsync, JobError.BadJobId, null, $"job id '{new string('a', 80)}…': {AnId}"),
            (() => jobs.WaitJobAsync(new() { Id = $"{{{Unknown}}}" }, cancellationToken: Token).ResponseAsync, JobError.BadJobId, null, $"job id '{{{Unknown}}}': {AnId}"),
            (() => jobs.StopJobAsync(new() { Id = "\u001b[31m" }, cancellationToken: Token).ResponseAsync, JobError.BadJobId, null, $@"job id '\u{{1b}}[31m': {AnId}"),
            (() => jobs.StopJobAsync(new() { Id = id, TailLines = -1 }, cancellationToken: Token).ResponseAsync, JobError.BadField, "tail_lines", "tail_lines -1: must be 0 to 1000"),
            (() => jobs.StopJobAsync(new() { Id = id, GracePeriod = new() { Seconds = 3601 } }, cancellationToken: Token).ResponseAsync, JobError.BadField, "grace_period", "grace period 3601 s: must be 0 s to 1 hour"),
            (() => StreamAsync(jobs, new() { Id = "x" }), JobError.BadJobId, null, $"job id 'x': {AnId}"),
            (() => StreamAsync(jobs, new() { Id = id, Offset = -1 }), JobError.BadField, "offset", "offset -1: must be 0 or more"),
            (() => StreamAsync(jobs, new() { Id = id, Stream = (V1.OutputStream)99 }), JobError.BadField, "stream", "stream 99: must be stdout (1), stderr (2) or both (3)"),
            (() => jobs.ListJobsAsync(new() { PageSize = -1 }, cancellationToken: Token).ResponseAsync, JobError.BadField, "page_size", "page_size -1: must be 1 to 1000"),
            (() => jobs.ListJobsAsync(new() { PageToken = "x" }, cancellationToken: Token).ResponseAsync, JobError.BadField, "page_token", "page_token: must be the next_page_token of a list's answer"),
            (() => jobs.ListJobsAsync(new() { PageToken = Unknown }, cancellationToken: Token).ResponseAsync, JobError.BadField, "page_token", "page_token: must be the next_page_token of a list's answer"),
        ];
        foreach (var (ask, error, field, sentence) in questions)
            await AssertRefusedAsync(ask, StatusCode.InvalidArgument, error, sentence, field: field);
    }

    [Theory, InlineData(Role.Admin, null), InlineData(Role.Writer, null), InlineData(Role.Reader, null), InlineData(Role.Writer, "wanda"), InlineData(Role.User, "wanda")]
    internal async Task A_job_that_is_not_there_and_one_that_is_somebody_elses_are_the_same_answer(Role role, string? owner)
    {
        await using var served = await ServedMachine.StartAsync();
        var id = owner is null ? Unknown
            : (await served.Jobs(owner, Role.Writer).StartJobAsync(new() { Spec = new() { Command = "/bin/sleep", Args = { "1000" } } }, cancellationToken: Token).ResponseAsync.Soon()).Job.Id;
        var jobs = served.Jobs("else", role);
        List<Func<Task>> asks =
        [
            () => jobs.GetJobAsync(new() { Id = id }, cancellationToken: Token).ResponseAsync, () => jobs.WaitJobAsync(new() { Id = id }, cancellationToken: Token).ResponseAsync, () => StreamAsync(jobs, new() { Id = id, Follow = true }),
        ];
        if (role is Role.Admin or Role.Writer) asks.Add(() => jobs.StopJobAsync(new() { Id = id }, cancellationToken: Token).ResponseAsync);
        foreach (var ask in asks) await AssertRefusedAsync(ask, StatusCode.NotFound, JobError.NoSuchJob, $"no job {id}");
    }

    [Fact]
    public async Task What_cannot_be_done_is_answered_with_its_step_and_the_kernels_error()
    {
        await using var served = await ServedMachine.StartAsync();
        var jobs = served.Jobs("wim", Role.Writer);
        await AssertStartRefusedAsync(new() { Command = "/no/such" }, JobError.CannotStart, "command '/no/such': No such file or directory, or the interpreter it names is not there", "execve", 2);
        await AssertStartRefusedAsync(new() { Command = "no-such" }, JobError.CannotStart, "command 'no-such': No such file or directory on the job's PATH", "execve", 2);
        await AssertStartRefusedAsync(new() { Command = "/bin/true", WorkingDirectory = "/no/such" }, JobError.CannotStart, "working directory '/no/such': No such file or directory", "chdir", 2);
        await AssertStartRefusedAsync(
            new() { Command = "/bin/true", Limits = new() { Devices = { "4095:77" }, ReadBps = 1 } }, JobError.LimitUnavailable, "cannot limit io on '4095:77': there is no block device 4095:77", "cgroup device", null);
        var tooLong = new V1.JobSpec { Command = "/bin/true" };
        tooLong.Args.Add(Enumerable.Repeat(new string('x', 100 * 1024), 30));
        await AssertStartRefusedAsync(
            tooLong, JobError.CannotStart,
            "command '/bin/true': Argument list too long; arguments and environment together are longer than a quarter of the server's stack limit (ulimit -s), usually 2 MiB", "execve", 7);
        await AssertNothingIsLeftAsync(served);

        var ended = (await jobs.StartJobAsync(new() { Spec = new() { Command = "/bin/true" } }, cancellationToken: Token).ResponseAsync.Soon()).Job.Id;
        await jobs.WaitJobAsync(new() { Id = ended }, cancellationToken: Token).ResponseAsync.Soon();
        await AssertRefusedAsync(() => jobs.StopJobAsync(new() { Id = ended }, cancellationToken: Token).ResponseAsync, StatusCode.FailedPrecondition, JobError.AlreadyEnded, $"job {ended}: has already ended");
        await AssertRefusedAsync(
            () => jobs.StartJobAsync(new() { Id = ended, Spec = new() { Command = "/bin/false" } }, cancellationToken: Token).ResponseAsync,
            StatusCode.AlreadyExists, JobError.IdInUse, $"job id {ended}: is in use for another job; leave it out to get a new one");

        // The jobs' cgroups have no place any more: the server is refused what it needs, which is nobody's wrong request.
        var place = Path.Combine(CgroupMounts.OfThisProcess().V2!.Path, served.Machine.CgroupName);
        Directory.Delete(place);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => jobs.StartJobAsync(new() { Spec = new() { Command = "/bin/true" } }, cancellationToken: Token).ResponseAsync.Soon());
        Assert.Equal((StatusCode.Internal, JobError.OsError), (refusal.StatusCode, JobErrors.FromRpc(refusal)!.Error));
        Assert.Contains(place, refusal.Status.Detail, StringComparison.Ordinal);
        Directory.CreateDirectory(place);
        await jobs.StartJobAsync(new() { Spec = new() { Command = "/bin/true" } }, cancellationToken: Token).ResponseAsync.Soon();

        Task AssertStartRefusedAsync(V1.JobSpec spec, JobError error, string sentence, string step, int? errno) =>
            AssertRefusedAsync(() => jobs.StartJobAsync(new() { Spec = spec }, cancellationToken: Token).ResponseAsync, StatusCode.FailedPrecondition, error, sentence, step: step, errno: errno);
    }

    [Fact]
    public async Task A_start_without_a_place_is_refused_as_exhausted()
    {
        await using var served = await ServedMachine.StartAsync(mostRunning: 1);
        var jobs = served.Jobs("wim", Role.Writer);
        await jobs.StartJobAsync(new() { Spec = new() { Command = "/bin/sleep", Args = { "1000" } } }, cancellationToken: Token).ResponseAsync.Soon();
        await AssertRefusedAsync(
            () => jobs.StartJobAsync(new() { Spec = new() { Command = "/bin/true" } }, cancellationToken: Token).ResponseAsync, StatusCode.ResourceExhausted, JobError.Exhausted,
            "1 jobs run already, the most this server's open files allow (ulimit -n); try again when one has ended", step: "slots");
    }

    private static async Task AssertRefusedAsync(
        Func<Task> ask, StatusCode status, JobError error, string sentence, string? field = null, string? step = null, int? errno = null)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => ask().Soon());
        var told = JobErrors.FromRpc(refusal);
        Assert.Equal((status, error, sentence, field, step, errno), (refusal.StatusCode, told?.Error, refusal.Status.Detail, told?.Field, told?.Step, told?.Errno));
    }

    private static async Task StreamAsync(V1.JobService.JobServiceClient jobs, V1.StreamOutputRequest request)
    {
        using var call = jobs.StreamOutput(request, cancellationToken: Token);
        await call.ResponseStream.MoveNext(Token);
    }

    private static async Task AssertNothingIsLeftAsync(ServedMachine served)
    {
        Assert.Empty((await served.Jobs("anna", Role.Admin).ListJobsAsync(new(), cancellationToken: Token).ResponseAsync.Soon()).Jobs);
        Assert.Empty(served.Machine.Cgroups());
        Assert.Empty(Directory.Exists($"{served.Machine.Folder}/jobs") ? Directory.GetDirectories($"{served.Machine.Folder}/jobs") : []);
        await Processes.EachIsCollectedAsync();
    }
}
