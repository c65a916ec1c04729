using FsCheck;
using FsCheck.Fluent;
using Microsoft.Data.Sqlite;
using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Wire;

namespace Runner.Tests.Store;

public sealed class SqliteJobStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("runner-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FilePath => Path.Combine(_folder, "runner.db");

    private static JobRecord Started(string owner = "anna") => new(
        JobId.New(),
        new JobSpec
        {
            Command = "/bin/true",
            Args = ["a", "", "ü\n\u0001"],
            Env = new Dictionary<string, string> { ["A"] = "b=c" },
            Labels = new Dictionary<string, string> { ["team"] = "x" },
            WorkingDirectory = "/tmp",
            Name = "n",
            Limits = new(0.25, 1 << 20, 3),
            GracePeriod = TimeSpan.Zero,
            Timeout = TimeSpan.FromTicks(12_345_678_901),
            AllowEmptyArgs = true,
        },
        owner, 42, new(0.25, 1 << 20, 3), DateTimeOffset.UtcNow, new JobState.Running());

    private static readonly ResourceUsage s_usage = new()
    {
        CpuTotal = TimeSpan.FromTicks(10), OomKills = 1, ReadOperations = 2, WrittenOperations = 3, PidsPeak = 4,
        VoluntarySwitches = 5, InvoluntarySwitches = 6, CpuPressure = new(TimeSpan.FromTicks(7), null),
        MemoryPressure = new(TimeSpan.FromTicks(8), TimeSpan.FromTicks(9)), IoPressure = new(null, null),
    };

    private static JobRecord Ended(JobRecord record, JobEnd end) => record with
    {
        State = new JobState.Ended(record.StartedAt.AddTicks(1), end, s_usage, 5, 6, 7, new(1, 2, "ab"), new(0, 0, "cd"), HeldOpen: true, DiskFailed: true),
    };

    [Fact]
    public void What_was_stored_is_there_after_a_restart_to_the_last_tick()
    {
        var records = RoundTripTests.Ends.Select(end => Ended(Started(), end)).Append(Started()).ToList();
        using (var store = new SqliteJobStore(FilePath))
        {
            foreach (var record in records)
            {
                store.Insert(record with { State = new JobState.Running() });
                if (record.State is JobState.Ended) store.RecordEnd(record);
            }
        }

        using var again = new SqliteJobStore(FilePath);
        Assert.All(records, record => Assert.Equal(record, again.Find(record.Id)));
        Assert.Equal([records[^1].Id], again.Unended().Select(left => left.Record.Id));
    }

    [Fact]
    public void What_was_stored_before_the_record_told_as_much_is_read_as_it_was()
    {
        var record = Started();
        using (var store = new SqliteJobStore(FilePath)) store.Insert(record);
        using (var file = new SqliteConnection($"Data Source={FilePath};Pooling=False"))
        {
            file.Open();
            using var write = file.CreateCommand();
            write.CommandText = "UPDATE jobs SET spec = $spec, ended_at = 638000000000000001, outcome = $outcome";
            write.Parameters.AddWithValue("$spec", """{"command":"/bin/true","args":[],"env":{},"working_directory":"/","name":"","labels":{},"limits":{},"grace_period":"00:00:05","allow_empty_args":false}""");
            write.Parameters.AddWithValue("$outcome", """{"ended_at":638000000000000001,"reason":"exited","code":3,"core_dumped":false,"usage":{"cpu_total":"00:00:00.0000010","pids":0},"stdout_bytes":5,"stderr_bytes":6}""");
            Assert.Equal(1, write.ExecuteNonQuery());
        }

        using var again = new SqliteJobStore(FilePath);
        var read = again.Find(record.Id)!;
        Assert.Equal(new JobSpec { Command = "/bin/true" }, read.Spec);
        var usage = new ResourceUsage { CpuTotal = TimeSpan.FromTicks(10), Pids = 0 };
        Assert.Equal(new JobState.Ended(new(638000000000000001, TimeSpan.Zero), new JobEnd.Exited(3), usage, 5, 6), read.State);
    }

    [Fact]
    public void What_set_about_ending_a_job_is_known_to_the_next_server() => Assert.All(
        new EndCause[] { new EndCause.Stop("anna"), new EndCause.Timeout(), new EndCause.OutputLimit() }, cause =>
        {
            var plan = new EndingPlan(cause, DateTimeOffset.UnixEpoch.AddTicks(7));
            Assert.Equal(plan, StoredJson.Ending(StoredJson.Ending(plan)));
        });

    [Fact]
    public void An_end_is_recorded_once()
    {
        using var store = new SqliteJobStore(FilePath);
        var record = Started();
        store.Insert(record);
        store.RecordEnd(Ended(record, new JobEnd.Exited(1)));
        Assert.Throws<StoreException>(() => store.RecordEnd(Ended(record, new JobEnd.Exited(2))));
        Assert.Equal(Ended(record, new JobEnd.Exited(1)), store.Find(record.Id));
    }

    [Fact]
    public void The_end_of_a_job_that_is_not_there_is_refused()
    {
        using var store = new SqliteJobStore(FilePath);
        Assert.Throws<StoreException>(() => store.RecordEnd(Ended(Started(), new JobEnd.Exited(0))));
    }

    [Fact]
    public void Pages_walk_through_all_jobs_newest_first_and_once_each() => Prop.ForAll(
        Gen.Choose(0, 12).Two().ToArbitrary(),
        pair =>
        {
            var (count, others) = pair;
            using var store = new SqliteJobStore(Path.Combine(_folder, Guid.NewGuid().ToString()));
            var mine = new List<JobId>();
            for (var i = 0; i < count + others; i++)
            {
                var record = Started(i % 2 == 0 && mine.Count < count ? "anna" : "bert");
                if (record.Owner == "anna") mine.Insert(0, record.Id);
                store.Insert(record);
            }
            var seen = new List<JobId>();
            JobPlace? next = null;
            do
            {
                var page = store.List(new() { Owner = "anna" }, next, 3);
                Assert.InRange(page.Records.Count, 0, 3);
                seen.AddRange(page.Records.Select(record => record.Id));
                next = page.Next;
            }
            while (next is not null);
            return seen.SequenceEqual(mine);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20));

    [Fact]
    public void A_page_ends_before_it_is_too_large_for_an_answer_but_holds_one_job()
    {
        using var store = new SqliteJobStore(FilePath);
        for (var i = 0; i < 4; i++) store.Insert(Started() with { Spec = new JobSpec { Command = "/bin/true", Args = [.. Enumerable.Repeat(new string('x', 100_000), 6)] } });
        store.Insert(Started() with { Spec = new JobSpec { Command = "/bin/true", Args = [.. Enumerable.Repeat(new string('x', 100_000), 30)] } });
        var (sizes, next) = (new List<int>(), (JobPlace?)null);
        do
        {
            var page = store.List(JobFilter.None, next, 1000);
            sizes.Add(page.Records.Count);
            next = page.Next;
        }
        while (next is not null);
        Assert.Equal([1, 1, 1, 1, 1], sizes);
    }

    [Fact]
    public void A_second_server_on_the_same_directory_is_refused()
    {
        using var first = new SqliteJobStore(FilePath);
        Assert.Contains("another runner serve", Assert.Throws<StoreException>(() => new SqliteJobStore(FilePath)).Message);
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused_and_left_as_it_is()
    {
        File.WriteAllText(FilePath, new string('x', 5000));
        Assert.Contains(FilePath, Assert.Throws<StoreException>(() => new SqliteJobStore(FilePath)).Message);
        Assert.Equal(new string('x', 5000), File.ReadAllText(FilePath));
    }
}
