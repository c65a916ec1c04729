using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>What a server keeps of its own accord, and for how long.</summary>
public sealed class RetentionTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    [Theory]
    [InlineData("", 6, false)]
    [InlineData("", 8, true)]
    [InlineData("red", 8, false)] // a rule for a label counts in place of the general one
    [InlineData("red", 31, true)]
    [InlineData("blue", 6, true)]
    [InlineData("both", 29, false)] // of several the longest
    public void How_long_a_job_is_kept_is_said_for_all_and_for_labels(string team, int days, bool over)
    {
        var rules = new RetentionRules(7 * s_day, [new(new("red", null), 30 * s_day), new(new("team", "blue"), s_day), new(new("team", "blue"), KeepJobs: 5)], 10, 10);
        Dictionary<string, string> labels = team switch { "red" => new() { ["red"] = "x" }, "blue" => new() { ["team"] = "blue" }, "both" => new() { ["red"] = "", ["team"] = "blue" }, _ => [] };
        var now = DateTimeOffset.UtcNow;
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x", Labels = labels }, "anna", 1, ResourceLimits.None, now.AddDays(-100), new JobState.Running());
        Assert.False(rules.IsOver(record, now));
        Assert.Equal(over, rules.IsOver(record with { State = new JobState.Ended(now.AddDays(-days), new JobEnd.Exited(0), ResourceUsage.None, 0, 0) }, now));
        Assert.Equal(team is "red" or "both" ? over : team is "blue", new RetentionRules(null, rules.ForLabels, 10, 10).IsOver(record with { State = new JobState.Ended(now.AddDays(-days), new JobEnd.Exited(0), ResourceUsage.None, 0, 0) }, now));
    }

    [Fact]
    public async Task The_newest_jobs_are_kept_and_pinned_ones_besides()
    {
        var jobs = await RunAsync(8, "echo x");
        _machine.Jobs.Pin(jobs[1].Record.Id, Machine.Admin, true);
        await KeptAsync(new(null, [], 3, long.MaxValue), jobs[1], jobs[5], jobs[6], jobs[7]);
    }

    [Fact]
    public async Task So_much_output_is_kept_that_pinned_ones_and_the_newest_have_and_records_stay()
    {
        var jobs = await RunAsync(6, "head -c 100000 /dev/zero");
        _machine.Jobs.Pin(jobs[5].Record.Id, Machine.Admin, true);

        // What was pruned by hand takes no room.
        Assert.InRange(_machine.Removal.Remove(jobs[4].Record.Id, Machine.Admin, RemovalScope.Output), 100_000, 110_000);
        var rules = new RetentionRules(null, [], 100, 350_000);
        await using (Begin(rules)) await UntilAsync(() => HaveOutput(jobs[2], jobs[3], jobs[5]));
        Assert.Equal(6, Left().Count);
        Assert.All(jobs, job => Assert.Equal(
            Directory.Exists(Folder(job)), _machine.Jobs.Find(job.Record.Id, Machine.Admin).Record.State is JobState.Ended { PrunedAt: null, StoredBytes: >= 100_000 }));

        // And the oldest go on making room for the newest.
        jobs.AddRange(await RunAsync(1, "head -c 100000 /dev/zero"));
        await using (Begin(rules)) await UntilAsync(() => HaveOutput(jobs[3], jobs[5], jobs[6]));

        // Records are counted as before, whatever is left of their output.
        await KeptAsync(new(null, [], 3, long.MaxValue), jobs[5], jobs[6], jobs[4], jobs[3]);
    }

    [Fact]
    public async Task Of_jobs_with_a_label_so_many_and_so_much_is_kept_and_what_goes_takes_no_room_of_others()
    {
        var blue = await RunAsync(3, "head -c 100000 /dev/zero", ("team", "blue"));
        var red = await RunAsync(5, "head -c 100000 /dev/zero", ("team", "red"));
        var green = await RunAsync(5, "head -c 100000 /dev/zero", ("green", ""));
        await using var retention = Begin(new(null, [new(new("team", "red"), KeepJobs: 2), new(new("green", null), KeepOutput: 350_000)], 8, 650_000));
        var left = new[] { blue[2] }.Concat(red[3..]).Concat(green).Select(job => job.Record.Id).ToHashSet();
        await UntilAsync(() => left.SetEquals(Left()) && HaveOutput([blue[2], .. red[3..], .. green[2..]]));
    }

    [Fact]
    public async Task What_is_too_much_for_a_label_alone_does_not_make_the_server_full()
    {
        var old = (await RunAsync(1, "head -c 50000 /dev/zero")).Single();
        var large = (await RunAsync(1, "head -c 150000 /dev/zero", ("team", "red"))).Single();
        var red = (await RunAsync(1, "head -c 90000 /dev/zero", ("team", "red"))).Single();
        var newest = (await RunAsync(1, "head -c 800000 /dev/zero")).Single();
        await using var retention = Begin(new(null, [new(new("team", "red"), KeepOutput: 100_000)], 10, 1_000_000));
        await UntilAsync(() => IsPruned(large));
        Assert.False(IsPruned(old)); // it would be in the same transaction
        await UntilAsync(() => HaveOutput(old, red, newest));

        bool IsPruned(Job job) => _machine.Jobs.Find(job.Record.Id, Machine.Admin).Record.State is JobState.Ended { PrunedAt: not null };
    }

    [Fact]
    public async Task A_job_that_is_being_read_goes_when_its_reader_has_gone()
    {
        var jobs = await RunAsync(2, "echo x");
        var (_, reading) = _machine.Jobs.Open(jobs[0].Record.Id, Machine.Admin);
        await using var retention = Begin(new(TimeSpan.Zero, [], 100, long.MaxValue));
        await UntilAsync(() => Left().SequenceEqual([jobs[0].Record.Id]));
        reading.Dispose();
        await UntilAsync(() => Left().Count == 0);
    }

    private async Task<List<Job>> RunAsync(int count, string script, params (string Key, string Value)[] labels)
    {
        var jobs = new List<Job>();
        for (var i = 0; i < count; i++)
        {
            jobs.Add(_machine.Start(new JobSpec { Command = "/bin/sh", Args = ["-c", script], Labels = labels.ToDictionary(label => label.Key, label => label.Value) }));
            await Machine.EndAsync(jobs[^1]);
        }
        return jobs;
    }

    private async Task KeptAsync(RetentionRules rules, params Job[] kept)
    {
        await using var retention = Begin(rules);
        var ids = kept.Select(job => job.Record.Id).ToHashSet();
        var folders = kept.Where(job => _machine.Jobs.Find(job.Record.Id, Machine.Admin).Record.State is JobState.Ended { StoredBytes: > 0 }).ToArray();
        await UntilAsync(() => ids.SetEquals(Left()) && HaveOutput(folders));
    }

    private Retention Begin(RetentionRules rules) =>
        new(_machine.Jobs, _machine.Store, _machine.Removal, rules, TimeProvider.System, NullLogger<Retention>.Instance);

    private string Folder(Job job) => Path.Combine(_machine.Folder, "jobs", job.Record.Id.ToString());

    private bool HaveOutput(params Job[] jobs) => jobs.Select(Folder).Order().SequenceEqual(Directory.GetDirectories(Path.Combine(_machine.Folder, "jobs")).Order());

    private List<JobId> Left() => [.. _machine.Jobs.List(Machine.Admin, JobFilter.None, null, 100).Jobs.Select(job => job.Record.Id)];

    /// <summary>It works in the background, and nobody tells when it is done.</summary>
    private static Task UntilAsync(Func<bool> condition) => Until.SoAsync(condition, "it has removed what it is to remove");
}
