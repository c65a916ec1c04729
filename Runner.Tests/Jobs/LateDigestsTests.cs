using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Runner.Jobs;
using Runner.Tests.Support;

namespace Runner.Tests.Jobs;

/// <summary>Digests of jobs that a former server left, which are made after their ends are recorded.</summary>
public sealed class LateDigestsTests : IDisposable
{
    private static readonly JobEnd.Lost s_lost = new("the keeper died", LostReason.KeeperDied);
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task The_end_of_a_job_that_was_left_is_there_at_once_and_its_digests_when_they_are_made()
    {
        var (lost, known, silent) = (Left("out", "err"), Left("code", null), Left(null, null));
        _machine.Jobs.Recover(s_lost, new Dictionary<JobId, LeftExit> { [known] = new(new ProcessExit.Exited(7), DateTimeOffset.UtcNow) });
        var before = Ended(lost);
        Assert.Equal((s_lost, 3, 3, true, null), (before.End, before.StdoutBytes, before.StderrBytes, before.IsDigestDue, before.Stdout));
        Assert.False(Ended(silent).IsDigestDue);

        // That server is killed; the next one makes them.
        await MakeAsync();
        Assert.Equal(before with { Stdout = new(0, 0, Digest("out")), Stderr = new(0, 0, Digest("err")), IsDigestDue = false }, Ended(lost));
        Assert.Equal((new JobEnd.Exited(7), Digest("code"), null, false), (Ended(known).End, Ended(known).Stdout?.Sha256, Ended(known).Stderr, Ended(known).IsDigestDue));
        Assert.Empty(_machine.Store.WithoutDigests());
    }

    [Fact]
    public async Task What_has_been_removed_has_no_digest_and_is_not_looked_for_again()
    {
        var (half, gone) = (Left("out", "err"), Left("out", null));
        _machine.Jobs.Recover(s_lost);
        File.Delete(FileOf(half, "stderr"));
        Directory.Delete(Path.GetDirectoryName(FileOf(gone, "stdout"))!, recursive: true);
        await MakeAsync();
        Assert.Equal((Digest("out"), null, false), (Ended(half).Stdout?.Sha256, Ended(half).Stderr?.Sha256, Ended(half).IsDigestDue));
        Assert.Equal((null, false), (Ended(gone).Stdout?.Sha256, Ended(gone).IsDigestDue));
    }

    [Fact]
    public async Task What_cannot_be_read_now_stays_due()
    {
        var id = Left("out", null);
        _machine.Jobs.Recover(s_lost);
        File.WriteAllText(FileOf(id, "stdout"), "o");
        await MakeAsync();
        Assert.True(Ended(id).IsDigestDue);
        File.WriteAllText(FileOf(id, "stdout"), "out");
        await MakeAsync();
        Assert.Equal((Digest("out"), false), (Ended(id).Stdout?.Sha256, Ended(id).IsDigestDue));
    }

    [Fact]
    public void The_digest_of_a_removed_job_is_not_that_of_another_with_its_id()
    {
        var id = Left("out", null);
        _machine.Jobs.Recover(s_lost);
        var due = Assert.Single(_machine.Store.WithoutDigests());
        _machine.Store.Remove([id]);
        Assert.False(_machine.Store.RecordDigests(due));
        Left("new", null, id);
        Assert.False(_machine.Store.RecordDigests(due));
        Assert.IsType<JobState.Running>(_machine.Store.Find(id)!.State);
    }

    private async Task MakeAsync()
    {
        await using var digests = new LateDigests(_machine.Store, _machine.Launcher, NullLogger<LateDigests>.Instance);
        await digests.Done.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private JobState.Ended Ended(JobId id) => (JobState.Ended)_machine.Jobs.Find(id, Machine.Admin).Record.State;

    /// <summary>A job as a server leaves it that is killed.</summary>
    private JobId Left(string? stdout, string? stderr, JobId? named = null)
    {
        var id = named ?? JobId.New();
        _machine.Store.Insert(new(id, new JobSpec { Command = "x" }, "admin", 1, ResourceLimits.None, DateTimeOffset.UtcNow, new JobState.Running()));
        if (stdout is null && stderr is null) return id;
        Directory.CreateDirectory(Path.GetDirectoryName(FileOf(id, "stdout"))!);
        if (stdout is not null) File.WriteAllText(FileOf(id, "stdout"), stdout);
        if (stderr is not null) File.WriteAllText(FileOf(id, "stderr"), stderr);
        return id;
    }

    private string FileOf(JobId id, string name) => Path.Combine(_machine.Folder, "jobs", id.ToString(), name);

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
