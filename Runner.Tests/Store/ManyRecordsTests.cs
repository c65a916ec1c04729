using System.Diagnostics;
using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Support;

namespace Runner.Tests.Store;

/// <summary>A store that has grown large is as quick as a new one. Times are compared within a run: the machine is shared.</summary>
public sealed class ManyRecordsTests : IDisposable
{
    private const int Many = 100_000;
    private static readonly DateTimeOffset s_first = new(638000000000000000, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_page_of_any_filter_comes_as_quickly_as_that_of_a_small_store()
    {
        using var large = Filled("large.db", Many);
        using var small = Filled("small.db", 1000);
        var page = Quickest(() => small.List(JobFilter.None, null, 100));
        var slow = Filters().Select(row => (row.What, Time: Quickest(() => large.List(row.Filter, null, 100))))
            .Select(row => $"{row.What}: {row.Time.TotalMilliseconds:0.00} ms").Prepend($"a page of a small store: {page.TotalMilliseconds:0.00} ms").ToList();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', slow));

        // To pass over all of them takes ten times that.
        Assert.All(Filters(), row => Assert.InRange(Quickest(() => large.List(row.Filter, null, 100)), TimeSpan.Zero, 3 * page + TimeSpan.FromMilliseconds(2)));
    }

    [Fact]
    public void A_start_and_an_end_cost_no_more_in_a_large_store()
    {
        using var large = Filled("large.db", Many);
        using var small = Filled("small.db", 10);
        var (inSmall, inLarge) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < 300; i++)
        {
            // In turn, so that what else the machine does slows both.
            inSmall.Add(Time(() => StartAndEnd(small, i)));
            inLarge.Add(Time(() => StartAndEnd(large, i)));
        }
        var (one, many) = (Undisturbed(inSmall), Undisturbed(inLarge));
        TestContext.Current.TestOutputHelper?.WriteLine($"a start and an end: {one.TotalMicroseconds:0} µs with 10 records, {many.TotalMicroseconds:0} µs with {Many}");
        Assert.InRange(many / one, 0, 2);
    }

    private static IEnumerable<(string What, JobFilter Filter)> Filters() =>
    [
        ("all", JobFilter.None),
        ("running (none)", new() { Running = true }),
        ("pinned (none)", new() { Pinned = true }),
        ("not pinned", new() { Pinned = false }),
        ("ended and old", new() { Running = false, Pinned = false, EndedBefore = new DateTimeOffset(638000000000000000 + 1000 * TimeSpan.TicksPerSecond, TimeSpan.Zero) }),
        ("ended", new() { Running = false }),
        ("with output (none)", new() { HasOutput = true, Running = false, Pinned = false }),
        ("exited", new() { Reason = EndParts.Exited }),
        ("lost", new() { Reason = EndParts.Lost }),
        ("signaled (none)", new() { Reason = EndParts.Signaled }),
        ("exit code 1", new() { ExitCode = 1 }),
        ("exit code 77 (none)", new() { ExitCode = 77 }),
        ("failed", new() { Failed = true }),
        ("label team", new() { Labels = [new("team", null)] }),
        ("label team=red", new() { Labels = [new("team", "red")] }),
        ("label team=blue (none)", new() { Labels = [new("team", "blue")] }),
        ("name", new() { Name = "nightly" }),
        ("name (none)", new() { Name = "weekly" }),
        ("owner", new() { Owner = "anna" }),
        ("owner (none)", new() { Owner = "eve" }),
        ("since", new() { Since = s_first.AddSeconds(Many - 10) }),
        ("since (none)", new() { Since = s_first.AddSeconds(Many) }),
        ("until", new() { Until = s_first.AddSeconds(10) }),
        ("until (none)", new() { Until = s_first }),
        ("uuid", new() { Reference = JobReference.Parse("01990001-8000") }),
        ("start of all uuids", new() { Reference = JobReference.Parse("0199") }),
        ("start of no uuid", new() { Reference = JobReference.Parse("ffff") }),
        ("name or uuid", new() { Reference = JobReference.Parse("weekly") }),
        ("pid", new() { Reference = JobReference.Parse("pid:2000") }),
        ("pid (none)", new() { Reference = JobReference.Parse("pid:77") }),
        ("owner and lost", new() { Owner = "anna", Reason = EndParts.Lost }),
        ("owner and signaled (none)", new() { Owner = "anna", Reason = EndParts.Signaled }),
        ("owner (none) and exited", new() { Owner = "eve", Reason = EndParts.Exited }),
        ("owner and uuids", new() { Owner = "anna", Reference = JobReference.Parse("0199") }),
        ("owner (none) and uuids", new() { Owner = "eve", Reference = JobReference.Parse("0199") }),
    ];

    private SqliteJobStore Filled(string name, int count)
    {
        ManyRecords.Make(_folder.At(name), count);
        return new SqliteJobStore(_folder.At(name));
    }

    private static void StartAndEnd(SqliteJobStore store, int number)
    {
        var record = new JobRecord(
            JobId.New(), new() { Command = "/bin/true", Name = "nightly", Labels = new Dictionary<string, string> { ["team"] = $"{number}" } },
            "anna", 5000 + number, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running());
        store.Insert(record);
        store.RecordEnd(record with { State = new JobState.Ended(record.StartedAt, new JobEnd.Exited(0), ResourceUsage.None, 0, 0) });
    }

    private static TimeSpan Quickest(Func<JobPage> list) => Enumerable.Range(0, 12).Min(_ => Time(() => list()));

    /// <summary>What one in ten took at most: whoever else writes to the disk only makes it longer.</summary>
    private static TimeSpan Undisturbed(List<TimeSpan> times) => times.Order().ElementAt(times.Count / 10);

    private static TimeSpan Time(Action act)
    {
        var clock = Stopwatch.StartNew();
        act();
        return clock.Elapsed;
    }
}
