using FsCheck;
using FsCheck.Fluent;
using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Support;
using Runner.Tests.Wire;

namespace Runner.Tests.Store;

/// <summary>What a filter finds in the store is what it would let through one by one.</summary>
public sealed class JobQueryTests : IDisposable
{
    private static readonly DateTimeOffset s_start = DateTimeOffset.UnixEpoch.AddYears(50);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_filter_finds_exactly_the_jobs_it_lets_through_newest_first_and_once_each()
    {
        var jobs = Jobs();
        using var store = Filled(jobs);
        var newestFirst = jobs.OrderByDescending(job => job.StartedAt).ThenByDescending(jobs.IndexOf).ToList();
        Prop.ForAll(Filters(jobs).ToArbitrary(), filter =>
        {
            var expected = newestFirst.Where(filter.Matches).Select(job => job.Id).ToList();
            Assert.Equal(expected, Walk(store, filter, 7).Select(job => job.Id));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(400));
    }

    [Fact]
    public void Each_thing_that_can_be_asked_for_is_found_by_itself()
    {
        var jobs = Jobs();
        using var store = Filled(jobs);
        Assert.All(One(jobs), filter =>
        {
            var found = Walk(store, filter, 1000).ToList();
            Assert.InRange(found.Count, 1, jobs.Count - 1);
            Assert.Equal(jobs.Count(filter.Matches), found.Count);
        });
    }

    [Fact]
    public void Jobs_that_start_while_pages_are_read_do_not_move_them()
    {
        using var store = Filled(Jobs());
        var filter = new JobFilter { Owner = "anna", Labels = [new("team", null)] };
        var before = Walk(store, filter, 1000).Select(job => job.Id).ToList();
        var seen = new List<JobId>();
        JobPlace? next = null;
        do
        {
            var page = store.List(filter, next, 2);
            seen.AddRange(page.Records.Select(job => job.Id));
            next = page.Next;
            store.Insert(Job(2000 + seen.Count) with { Owner = "anna", Spec = new() { Command = "x", Labels = new Dictionary<string, string> { ["team"] = "red" } } });
        }
        while (next is not null);
        Assert.True(before.Count > 4);
        Assert.Equal(before, seen);
    }

    [Fact]
    public void A_start_of_uuids_that_very_many_jobs_have_finds_the_newest_of_them()
    {
        var path = _folder.At("many.db");
        ManyRecords.Make(path, 10_000);
        using var store = new SqliteJobStore(path);
        var all = store.List(JobFilter.None, null, 11).Records;
        Assert.Equal(all, store.List(new() { Reference = JobReference.Parse(all[0].Id.ToString()[..4]) }, null, 11).Records);
        var annas = store.List(new() { Owner = "anna" }, null, 11).Records;
        Assert.Equal(annas, store.List(new() { Owner = "anna", Reference = JobReference.Parse(all[0].Id.ToString()[..4]) }, null, 11).Records);
        var early = new JobFilter { Reference = JobReference.Parse(all[0].Id.ToString()[..4]), Until = all[^1].StartedAt.AddSeconds(-9_000) };
        Assert.Equal(Walk(store, JobFilter.None, 1000).Where(early.Matches).Select(job => job.Id), Walk(store, early, 1000).Select(job => job.Id));
    }

    private static IEnumerable<JobRecord> Walk(SqliteJobStore store, JobFilter filter, int atOnce)
    {
        JobPlace? next = null;
        do
        {
            var page = store.List(filter, next, atOnce);
            foreach (var job in page.Records) yield return job;
            next = page.Next;
        }
        while (next is not null);
    }

    private SqliteJobStore Filled(IEnumerable<JobRecord> jobs)
    {
        var store = new SqliteJobStore(_folder.At($"{Guid.NewGuid()}.db"));
        foreach (var job in jobs)
        {
            store.Insert(job with { State = new JobState.Running() });
            if (job.State is JobState.Ended) store.RecordEnd(job);
        }
        return store;
    }

    private static List<JobRecord> Jobs() => [.. Enumerable.Range(0, 120).Select(Job)];

    private static JobRecord Job(int i)
    {
        string[] owners = ["anna", "bert", "cleo"], names = ["", "", "nightly", "cafe"];
        var labels = new Dictionary<string, string>();
        if (i % 2 == 0) labels["team"] = i % 4 == 0 ? "red" : "blue=";
        if (i % 5 == 0) labels["tier"] = "";
        var end = RoundTripTests.Ends[i % RoundTripTests.Ends.Length];
        if (end is JobEnd.Exited) end = new JobEnd.Exited(i / 9 % 3);
        var startedAt = s_start.AddSeconds(i == 50 ? 10 : i / 2); // one by a clock that had been set back, and some at once
        return new(
            i == 7 ? JobId.Parse("cafe0000-0000-7000-8000-000000000001") : JobId.New(), new() { Command = "x", Name = names[i / 3 % 4], Labels = labels },
            owners[i % 3], 100 + (i % 40), ResourceLimits.None, startedAt,
            i % 7 == 3 ? new JobState.Running() : new JobState.Ended(startedAt.AddSeconds(1), end, ResourceUsage.None, 0, 0));
    }

    /// <summary>Each thing alone.</summary>
    private static List<JobFilter> One(List<JobRecord> jobs) =>
    [
        new() { Running = true }, new() { Running = false },
        .. EndParts.Reasons.Select(reason => new JobFilter { Reason = reason }),
        new() { ExitCode = 0 }, new() { ExitCode = 2 }, new() { ExitCode = 137 }, new() { Failed = true },
        new() { Labels = [new("team", null)] }, new() { Labels = [new("team", "red")] }, new() { Labels = [new("team", "blue=")] }, new() { Labels = [new("tier", "")] },
        new() { Labels = [new("team", "red"), new("tier", null)] },
        new() { Name = "nightly" }, new() { Owner = "bert" },
        new() { Since = s_start.AddSeconds(20) }, new() { Until = s_start.AddSeconds(20) }, new() { Since = s_start.AddSeconds(10), Until = s_start.AddSeconds(11) },
        new() { Reference = JobReference.Parse("cafe") }, new() { Reference = JobReference.Parse("CAFE0000-0000") }, new() { Reference = JobReference.Parse("nightly") },
        new() { Reference = JobReference.Parse(jobs[3].Id.ToString()) }, new() { Reference = JobReference.Parse("pid:105") },
        new() { Reference = JobReference.Parse($"pid:105@{Rfc3339.Show(jobs[45].StartedAt)}") },
    ];

    /// <summary>Up to four of them at once.</summary>
    private static Gen<JobFilter> Filters(List<JobRecord> jobs) =>
        Gen.Elements<JobFilter>([.. One(jobs), JobFilter.None]).Four().Select(four => new[] { four.Item1, four.Item2, four.Item3, four.Item4 }.Aggregate((a, b) => new()
        {
            Running = a.Running ?? b.Running, Reason = a.Reason ?? b.Reason, ExitCode = a.ExitCode ?? b.ExitCode, Failed = a.Failed || b.Failed,
            Labels = [.. a.Labels, .. b.Labels], Name = a.Name ?? b.Name, Owner = a.Owner ?? b.Owner,
            Since = a.Since ?? b.Since, Until = a.Until ?? b.Until, Reference = a.Reference ?? b.Reference,
        }));
}
