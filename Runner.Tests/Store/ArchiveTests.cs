using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Support;

namespace Runner.Tests.Store;

/// <summary>What retention asks of the store, with as many records as a server has after years.</summary>
public sealed class ArchiveTests : IDisposable
{
    private const int Many = 100_000;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void All_ends_are_met_once_from_the_newest_and_some_records_are_removed_at_once_with_their_labels()
    {
        ManyRecords.Make(_folder.At("runner.db"), Many);
        using var store = new SqliteJobStore(_folder.At("runner.db"));
        var (seen, last, longest) = (0, (StoredEnd?)null, TimeSpan.Zero);
        while (true)
        {
            var start = System.Diagnostics.Stopwatch.GetTimestamp();
            var ends = store.Ends(last, 1000);
            var took = System.Diagnostics.Stopwatch.GetElapsedTime(start);
            if (took > longest) longest = took;
            if (ends.Count == 0) break;
            Assert.True(last is null || ends[0].EndedAt < last.Value.EndedAt);
            Assert.Equal(ends.OrderByDescending(end => end.EndedAt), ends);
            (seen, last) = (seen + ends.Count, ends[^1]);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"the longest look at 1000 ends: {longest.TotalMilliseconds:0.0} ms");
        Assert.Equal(Many, seen);

        var red = new JobFilter { Labels = [new("team", "red")] };
        var oldest = store.Find(last!.Value.Seq)!;
        Assert.Equal("red", oldest.Spec.Labels["team"]);
        var page = store.List(red, null, 32).Records;
        JobId[] ids = [oldest.Id, JobId.New(), .. page.Select(record => record.Id)];
        Assert.Equal(33, store.Remove(ids).Count);
        Assert.Empty(store.Remove(ids));
        Assert.Equal(33, store.Leftovers().Count);
        store.Forget(ids);
        Assert.Empty(store.Leftovers());
        Assert.Null(store.Find(last.Value.Seq));
        Assert.DoesNotContain(store.List(red, null, 100).Records, record => ids.Contains(record.Id));
    }

    [Fact]
    public void Jobs_that_start_after_a_clock_was_set_back_are_listed_where_it_puts_them_and_once_each()
    {
        using var store = new SqliteJobStore(_folder.At("runner.db"));
        var now = DateTimeOffset.UtcNow;
        int[] hours = [0, 1, -24, -23, 2, 2];
        var records = hours.Select(hour => new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, now.AddHours(hour), new JobState.Running())).ToList();
        foreach (var record in records) store.Insert(record);
        var (seen, place) = (new List<JobId>(), (JobPlace?)null);
        do
        {
            var page = store.List(JobFilter.None, place, 2);
            seen.AddRange(page.Records.Select(record => record.Id));
            place = page.Next;
        }
        while (place is not null);
        Assert.Equal([5, 4, 1, 0, 3, 2], seen.Select(id => records.FindIndex(record => record.Id == id)));
        Assert.Equal([5, 4, 1, 0], store.List(new() { Since = now }, null, 10).Records.Select(found => records.FindIndex(record => record.Id == found.Id)));
    }

    [Fact]
    public void What_runs_is_never_removed()
    {
        using var store = new SqliteJobStore(_folder.At("runner.db"));
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running());
        store.Insert(record);
        Assert.Empty(store.Remove([record.Id]));
        Assert.Empty(store.Ends(null, 10));
        store.Pin(record.Id, true);
        Assert.Equal(record with { Pinned = true }, store.Find(record.Id));
        Assert.Throws<StoreException>(() => store.Pin(JobId.New(), true));
    }

    [Fact]
    public void What_jobs_wrote_is_removed_once_and_of_those_that_have_ended_and_it_is_remembered_that_it_is_to_go()
    {
        using var store = new SqliteJobStore(_folder.At("runner.db"));
        var now = DateTimeOffset.UtcNow;
        var records = Enumerable.Range(0, 4).Select(i => new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, now.AddSeconds(i), new JobState.Running()) { Pinned = i == 1 }).ToList();
        foreach (var record in records) store.Insert(record);
        foreach (var (record, bytes) in records.Take(3).Zip([100L, 100L, 0L]))
            store.RecordEnd(record with { State = new JobState.Ended(now.AddMinutes(1), new JobEnd.Exited(0), ResourceUsage.None, bytes, 0) { StoredBytes = bytes } });
        JobId[] ids = [.. records.Select(record => record.Id)];
        Assert.Equal(ids[..2].Reverse(), store.List(new() { HasOutput = true }, null, 10).Records.Select(record => record.Id));
        Assert.Equal([ids[0]], store.RemoveOutput(ids, now));
        Assert.Empty(store.RemoveOutput(ids, now.AddDays(1)));
        Assert.Equal([ids[0]], store.Leftovers());
        Assert.Equal([0L, 100L, 0L], store.Ends(null, 10).Reverse().Select(end => end.Bytes));
        Assert.Equal([ids[1]], store.RemoveOutput(ids, now.AddDays(1), pinnedToo: true));
        Assert.Empty(store.List(new() { HasOutput = true }, null, 10).Records);
        Assert.Equal([now, now.AddDays(1), null], ids[..3].Select(id => ((JobState.Ended)store.Find(id)!.State).PrunedAt));
        Assert.Equal((100, 0), (((JobState.Ended)store.Find(ids[0])!.State).StdoutBytes, ((JobState.Ended)store.Find(ids[0])!.State).StoredBytes));
        store.Forget(ids);

        // To pin it is no removal.
        store.Pin(ids[0], true);
        Assert.Empty(store.Leftovers());
    }

    [Fact]
    public void What_has_been_pinned_by_then_is_removed_only_by_its_name()
    {
        using var store = new SqliteJobStore(_folder.At("runner.db"));
        var now = DateTimeOffset.UtcNow;
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, now, new JobState.Running());
        store.Insert(record);
        store.RecordEnd(record with { State = new JobState.Ended(now, new JobEnd.Exited(0), ResourceUsage.None, 0, 0) });
        store.Pin(record.Id, true);
        Assert.Empty(store.Remove([record.Id]));
        Assert.Equal([record.Id], store.Remove([record.Id], pinnedToo: true));
    }
}
