using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Runner.Jobs;
using Runner.Output;
using Runner.Wire;

namespace Runner.Server;

/// <summary>The job API: each method maps in, calls, maps out. Who may call is CallAdmission's, what went wrong CallGate's.</summary>
sealed partial class JobCalls(JobRegistry jobs, JobRemoval removal, Followers followers, Starts starts, Drain drain, ILogger<JobCalls> logger) : V1.JobService.JobServiceBase
{
    private const long LargestRange = 1024 * 1024;
    private readonly SendBuffers _buffers = new();

    private const int DefaultPage = 100;
    private const int LargestPage = 1000;
    private const int DefaultTail = 10;
    private const int LongestTail = 1000;

    public override async Task<V1.StartJobResponse> StartJob(V1.StartJobRequest request, ServerCallContext context)
    {
        var job = await StartAsync(request.Id, request.Spec, context);
        return new V1.StartJobResponse { Job = View(job, context) };
    }

    public override Task<V1.GetJobResponse> GetJob(V1.GetJobRequest request, ServerCallContext context)
    {
        var job = jobs.Find(JobId.Parse(request.Id), context.Caller());
        return Task.FromResult(new V1.GetJobResponse { Job = View(job, context) });
    }

    public override Task<V1.ListJobsResponse> ListJobs(V1.ListJobsRequest request, ServerCallContext context)
    {
        var size = request.PageSize is 0 ? DefaultPage : Within("page_size", request.PageSize, 1, LargestPage);
        var filter = JobFilters.FromWire(request.Filter);
        var (found, next) = jobs.List(context.Caller(), filter, PageTokens.FromWire(request.PageToken), size);
        var response = new V1.ListJobsResponse { NextPageToken = PageTokens.ToWire(next) };

        // A job may have ended since it was found among those that run: what is told is what was asked for.
        var views = found.Select(View).Where(view => filter.Matches(view.Record));
        response.Jobs.Add(views.Select(view => JobViews.ToWire(view, context.Caller())));
        return Task.FromResult(response);
    }

    public override async Task<V1.StopJobResponse> StopJob(V1.StopJobRequest request, ServerCallContext context)
    {
        var lines = TailLines(request.HasTailLines, request.TailLines);
        TimeSpan? grace = request.GracePeriod is null ? null : Durations.FromWire("grace_period", request.GracePeriod);
        var id = JobId.Parse(request.Id);
        Tell(context, id);
        using var reading = jobs.Open(id, context.Caller()).Reading;
        using var until = Until(context, drain.All);
        var job = await jobs.StopAsync(id, context.Caller(), grace, until.Token, request.Signal is 0 ? Signals.Terminate : request.Signal);
        var (stdout, stderr) = await TailsAsync(job, lines, until.Token);
        return new V1.StopJobResponse { Job = View(job, context), StdoutTail = stdout, StderrTail = stderr };
    }

    public override async Task<V1.SignalJobResponse> SignalJob(V1.SignalJobRequest request, ServerCallContext context)
    {
        var id = JobId.Parse(request.Id);
        Tell(context, id);
        using var until = Until(context, drain.All);
        await jobs.SignalAsync(id, context.Caller(), request.Signal, request.All, until.Token);
        return new();
    }

    public override async Task<V1.WaitJobResponse> WaitJob(V1.WaitJobRequest request, ServerCallContext context)
    {
        var job = jobs.Find(JobId.Parse(request.Id), context.Caller());
        using var until = Until(context, drain.Waiting);
        await job.Ended.WaitAsync(until.Token);
        return new V1.WaitJobResponse { Job = View(job, context) };
    }

    public override async Task StreamOutput(
        V1.StreamOutputRequest request, IServerStreamWriter<V1.StreamOutputResponse> responses, ServerCallContext context)
    {
        var (job, reading) = jobs.Open(JobId.Parse(request.Id), context.Caller());
        using var held = reading;
        var wish = OutputWishes.FromWire(request);
        using var place = followers.Enter(context.Caller().Name, job.Record.Id, OutputSender.Files(wish));
        using var until = Until(context, drain.Waiting);
        await new OutputSender(job, wish, _buffers, responses).SendAsync(until.Token);
    }

    public override Task<V1.ReadOutputResponse> ReadOutput(V1.ReadOutputRequest request, ServerCallContext context)
    {
        var (job, reading) = jobs.Open(JobId.Parse(request.Id), context.Caller());
        using var held = reading;
        var kind = OutputKinds.FromWire(request.Stream);
        var log = job.Output.Of(kind);
        if (request.Offset < 0) throw JobRules.Bad("offset", $"offset {request.Offset}: must be 0 or more");
        var most = request.Length is 0 ? LargestRange : Within("length", request.Length, 1, LargestRange);

        // Looked at before the size: that of a job which ends after it may not be final.
        var complete = job.Ended.IsCompleted;
        var size = log.Length;
        using var reader = log.OpenReader();
        while (true)
        {
            var gap = log.GapAt(request.Offset);
            var offset = gap?.To ?? request.Offset;
            var bytes = new byte[Math.Clamp(Math.Min(size, log.KeptEnd) - offset, 0, most)];

            // A cap can have taken it between the two: then the gap is larger.
            if (!reader.Fill(offset, bytes)) continue;
            var answer = new V1.ReadOutputResponse { Bytes = Wrap(bytes), Size = size, Complete = complete };
            if (gap is { } gone) answer.Gap = OutputGaps.ToWire(kind, gone);
            return Task.FromResult(answer);
        }
    }

    public override async Task RunJob(V1.RunJobRequest request, IServerStreamWriter<V1.RunJobResponse> responses, ServerCallContext context)
    {
        var lines = TailLines(request.HasTailLines, request.TailLines);
        var started = await StartAsync(request.Id, request.Spec, context);
        context.Admitted().LargeStart?.Dispose();

        // Looked up again: its output may have been removed before this was one of its readers.
        var (job, reading) = jobs.Open(started.Record.Id, context.Caller());
        using var _ = reading;
        await responses.WriteAsync(new V1.RunJobResponse { Started = View(job, context) }, context.CancellationToken);
        using var until = Until(context, drain.Waiting);
        await job.Ended.WaitAsync(until.Token);
        var (stdout, stderr) = await TailsAsync(job, lines, until.Token);
        var ended = new V1.RunEnded { Job = View(job, context), StdoutTail = stdout, StderrTail = stderr };
        await responses.WriteAsync(new V1.RunJobResponse { Ended = ended }, context.CancellationToken);
    }

    private Task<Job> StartAsync(string given, V1.JobSpec? spec, ServerCallContext context)
    {
        var id = given.Length > 0 ? JobId.Parse(given) : JobId.New();
        Tell(context, id);
        var wanted = JobSpecs.FromWire(spec);
        if (wanted.Pinned) MayPin(context.Caller());
        return starts.MakeAsync(() => jobs.Start(id, wanted, context.Caller()), context.CancellationToken);
    }

    /// <summary>Until the caller leaves, or this server makes way for another.</summary>
    private static CancellationTokenSource Until(ServerCallContext context, CancellationToken drained) =>
        CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drained);

    private JobView View(Job job) => JobViews.Of(job, followers.Of(job.Record.Id));

    private V1.Job View(Job job, ServerCallContext context) => JobViews.ToWire(View(job), context.Caller());

    private static async Task<(ByteString Stdout, ByteString Stderr)> TailsAsync(Job job, int lines, CancellationToken cancellationToken) =>
        (Wrap(await OutputTail.ReadAsync(job.Output.Stdout, lines, cancellationToken)), Wrap(await OutputTail.ReadAsync(job.Output.Stderr, lines, cancellationToken)));

    private static int TailLines(bool given, int lines) => given ? Within("tail_lines", lines, 0, LongestTail) : DefaultTail;

    /// <summary>What changes something is on record with its caller, before it is done.</summary>
    private void Tell(ServerCallContext context, JobId id)
    {
        var caller = context.Caller();
        logger.JobCalled(caller.Name, caller.Role, context.Method, id);
    }

    private static ByteString Wrap(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static T Within<T>(string field, T value, T least, T most) where T : IComparable<T> => value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0
        ? value
        : throw JobRules.Bad(field, $"{field} {value}: must be {least} to {most}");
}
