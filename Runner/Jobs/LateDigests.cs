using Microsoft.Extensions.Logging;
using Runner.Output;

namespace Runner.Jobs;

/// <summary>
/// Makes the digests that are due of ends which were recorded when a server started: one after the other in the background, for
/// reading all of it would hold up the first answer. What this server does not come to the next one makes.
/// </summary>
sealed class LateDigests : IAsyncDisposable
{
    private readonly IJobArchive _archive;
    private readonly IJobLauncher _launcher;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Begins at once.</summary>
    public LateDigests(IJobArchive archive, IJobLauncher launcher, ILogger<LateDigests> logger)
    {
        (_archive, _launcher, _logger) = (archive, launcher, logger);
        Done = Task.Run(RunAsync);
    }

    /// <summary>Done when none is due that could be made. Never fails.</summary>
    public Task Done { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Done.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var made = 0;
        try
        {
            foreach (var record in _archive.WithoutDigests())
                if (await MakeAsync(record).ConfigureAwait(false)) made++;
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
        catch (Exception e)
        {
            _logger.DigestsFailed(e.Message);
        }
        if (made > 0) _logger.DigestsMade(made);
    }

    private async Task<bool> MakeAsync(JobRecord record)
    {
        var ended = (JobState.Ended)record.State;
        string? problem = null;
        try
        {
            var stdout = await KeptAsync(OutputKind.Stdout, ended.StdoutBytes, ended.Stdout).ConfigureAwait(false);
            var stderr = await KeptAsync(OutputKind.Stderr, ended.StderrBytes, ended.Stderr).ConfigureAwait(false);
            if (!_archive.RecordDigests(record with { State = ended with { Stdout = stdout, Stderr = stderr, IsDigestDue = false } })) return false;
            if (problem is not null) _logger.NoDigest(record.Id, problem);
            return problem is null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Such as for want of descriptors: it stays due.
            _logger.NoDigest(record.Id, e.Message);
            return false;
        }

        async Task<KeptOutput?> KeptAsync(OutputKind kind, long length, KeptOutput? kept)
        {
            if (length == 0) return kept;
            try
            {
                var digest = await OutputDigest.AloneAsync(_launcher.StoredOutput(record.Id, kind, length, kept), _stop.Token).ConfigureAwait(false);
                return (kept ?? new(0, 0)) with { Sha256 = digest };
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // Somebody removed it, and no other server will find it.
                problem = e.Message;
                return kept;
            }
        }
    }
}
