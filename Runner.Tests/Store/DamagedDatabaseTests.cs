using Runner.Jobs;
using Runner.Store;
using Runner.Tests.Support;

namespace Runner.Tests.Store;

/// <summary>A damaged database is refused in one sentence that says what to do, and not a byte of it is changed.</summary>
public sealed class DamagedDatabaseTests : IDisposable
{
    private const int Page = 4096;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string FilePath => _folder.At("runner.db");

    public static TheoryData<string> Damages => ["cut in half", "cut within a page", "its header is garbage", "a page in the middle is garbage", "a page in the middle is empty", "the last page is garbage", "the second page is garbage"];

    [Theory, MemberData(nameof(Damages))]
    public void It_is_refused_and_left_as_it_is(string damage)
    {
        ManyRecords.Make(FilePath, 2000);
        var bytes = File.ReadAllBytes(FilePath);
        var (pages, middle) = (bytes.Length / Page, bytes.Length / Page / 2 * Page);
        Action hurt = damage switch
        {
            "cut in half" => () => bytes = bytes[..middle],
            "cut within a page" => () => bytes = bytes[..(middle + 100)],
            "its header is garbage" => () => Turn(0, 100),
            "a page in the middle is garbage" => () => Turn(middle, Page),
            "a page in the middle is empty" => () => bytes.AsSpan(middle, Page).Clear(),
            "the last page is garbage" => () => Turn((pages - 1) * Page, Page),
            _ => () => Turn(Page, Page),
        };
        hurt();
        AssertRefused(bytes, log: null);

        void Turn(int at, int length)
        {
            for (var i = at; i < at + length; i++) bytes[i] ^= 0xFF;
        }
    }

    [Fact]
    public void With_a_log_of_a_server_that_was_killed_both_are_left_as_they_are()
    {
        byte[] bytes, log;
        ManyRecords.Make(FilePath, 2000);
        using (var store = new SqliteJobStore(FilePath))
        {
            Insert(store);

            // As a killed server leaves them.
            (bytes, log) = (Read(FilePath), Read($"{FilePath}-wal"));
        }
        Assert.InRange(log.Length, 1, int.MaxValue);
        bytes.AsSpan(bytes.Length / Page / 2 * Page, Page).Fill(0xA5); // not in the log, which would make good for it
        AssertRefused(bytes, log);
        AssertRefused([], log);
        File.Delete(FilePath);
        Assert.Contains("put the database back, or move runner.db-wal aside", Assert.Throws<StoreException>(() => new SqliteJobStore(FilePath)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(FilePath));
        Assert.Equal(log, File.ReadAllBytes($"{FilePath}-wal"));
    }

    [Fact]
    public void What_a_killed_server_left_whole_is_read_whole()
    {
        byte[] bytes, log;
        JobId id;
        using (var store = new SqliteJobStore(FilePath))
        {
            id = Insert(store);
            (bytes, log) = (Read(FilePath), Read($"{FilePath}-wal"));
        }
        File.WriteAllBytes(FilePath, bytes);
        File.WriteAllBytes($"{FilePath}-wal", log);
        using (var store = new SqliteJobStore(FilePath)) Assert.NotNull(store.Find(id));
        Assert.False(File.Exists($"{FilePath}-wal"));
    }

    private static JobId Insert(SqliteJobStore store)
    {
        var record = new JobRecord(JobId.New(), new JobSpec { Command = "x" }, "anna", 1, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running());
        store.Insert(record);
        return record.Id;
    }

    private void AssertRefused(byte[] bytes, byte[]? log)
    {
        File.WriteAllBytes(FilePath, bytes);
        if (log is not null) File.WriteAllBytes($"{FilePath}-wal", log);
        var message = Assert.Throws<StoreException>(() => new SqliteJobStore(FilePath)).Message;
        Assert.StartsWith($"state database {FilePath}: it is ", message, StringComparison.Ordinal);
        Assert.EndsWith("to begin with no records", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.Equal(bytes, File.ReadAllBytes(FilePath));
        if (log is not null) Assert.Equal(log, File.ReadAllBytes($"{FilePath}-wal"));
    }

    /// <summary>Read while the store has it locked, which only other databases heed.</summary>
    private static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var all = new MemoryStream();
        file.CopyTo(all);
        return all.ToArray();
    }
}
