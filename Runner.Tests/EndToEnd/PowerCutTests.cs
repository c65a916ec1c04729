using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Runner.Tests.Support;

namespace Runner.Tests.EndToEnd;

/// <summary>
/// A machine with a disk that is cut off in the middle of writing, and boots again on that disk. RUNNER_POWER_CUTS makes it
/// more often (<c>./build.sh powercuts</c>), RUNNER_POWER_SEED repeats the choice of instants.
/// </summary>
[Collection(VirtualMachines.Name)]
public sealed class PowerCutTests(ITestOutputHelper output)
{
    private const int MostEndsALife = 6;

    // "1\n2\n3\n" and so on: what every job writes is the beginning of it.
    private readonly byte[] _text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, 1_000_000).Select(number => $"{number}\n")));
    private readonly Dictionary<string, JsonElement> _ended = [];
    private readonly HashSet<string> _started = [];
    private readonly Dictionary<string, JsonElement> _found = [];
    private readonly Dictionary<string, string> _sums = [];
    private readonly Dictionary<string, int> _sizes = [];

    [Fact]
    public async Task What_was_told_before_the_power_was_cut_is_there_after_it_and_what_ran_is_lost()
    {
        var cuts = Number("RUNNER_POWER_CUTS") ?? 3;
        var seed = Number("RUNNER_POWER_SEED") ?? Random.Shared.Next();
        Tell($"power cuts: {cuts}, RUNNER_POWER_SEED={seed}");
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        for (var life = 0; life <= cuts; life++)
        {
            Forget();
            var isLast = life == cuts;
            var (ends, pause) = (random.Next(1, MostEndsALife), TimeSpan.FromMilliseconds(random.Next(500)));
            await Vm.RunUntilCutAsync(
                TimeSpan.FromMinutes(10), ["--disk", folder.At("disk"), "--cpus", "1"], ["bash", Repository.At("Runner.Tests", "EndToEnd", "guest-power.sh"), RunnerBinary.Path, $"{life}"],
                async line =>
                {
                    Take(line);
                    if (line.StartsWith("checked ", StringComparison.Ordinal))
                    {
                        AssertAllIsThere();
                        return !isLast;
                    }
                    if (!line.StartsWith("ended ", StringComparison.Ordinal) || --ends > 0) return true;
                    await Task.Delay(pause); // the instant of the cut, anywhere in what the machine is doing
                    return false;
                });
        }
        Tell($"power cuts: {_started.Count} jobs, {_ended.Count} of them told to have ended");
    }

    private void Take(string line)
    {
        var (word, value) = (line[..line.IndexOf(' ', StringComparison.Ordinal)], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        switch (word)
        {
            case "started":
                _started.Add(value);
                break;
            case "ended" or "job":
                var job = JsonDocument.Parse(value).RootElement;
                (word is "job" ? _found : _ended).Add(job.GetProperty("id").GetString()!, job);
                break;
            case "size":
                var size = value.Split(' ');
                _sizes.Add(Path.GetDirectoryName(size[0])!, int.Parse(size[1], CultureInfo.InvariantCulture));
                break;
            case { Length: 64 }: // SHA-256, two blanks, a file
                _sums.Add(Path.GetDirectoryName(value.Trim())!, word);
                break;
            case not "checked":
                Assert.Fail(line);
                break;
        }
    }

    /// <summary>What a machine had told is not what the next one tells.</summary>
    private void Forget()
    {
        _found.Clear();
        _sums.Clear();
        _sizes.Clear();
    }

    private void AssertAllIsThere()
    {
        foreach (var (id, told) in _ended)
        {
            Assert.True(_found.TryGetValue(id, out var job), $"job {id} is gone");
            Assert.Equal(told.GetRawText(), job.GetRawText());
            Assert.Equal("exited", job.GetProperty("end").GetProperty("reason").GetString());
            Assert.Equal(job.GetProperty("stdout_bytes").GetInt32(), _sizes.GetValueOrDefault(id));
            if (_sums.TryGetValue(id, out var sum)) Assert.Equal(sum, job.GetProperty("output").GetProperty("stdout_sha256").GetString());
        }
        foreach (var id in _started)
        {
            Assert.True(_found.TryGetValue(id, out var job), $"job {id} is gone");
            Assert.Equal("ended", job.GetProperty("state").GetString());
            if (_ended.ContainsKey(id)) continue;

            // It ended and that was not told in time, or it ran.
            var end = job.GetProperty("end");
            if (end.GetProperty("reason").GetString() is "lost") Assert.Equal("host-reboot", end.GetProperty("lost_reason").GetString());
            else Assert.Equal("exited", end.GetProperty("reason").GetString());
        }

        // No byte that is there is a wrong one.
        foreach (var (id, sum) in _sums) Assert.True(sum == Convert.ToHexStringLower(SHA256.HashData(_text.AsSpan(0, _sizes[id]))), $"job {id}: its {_sizes[id]} bytes are not what it wrote");
        foreach (var (id, job) in _found)
            Assert.True(_sizes.GetValueOrDefault(id) == job.GetProperty("stdout_bytes").GetInt64(), $"job {id}: {_sizes.GetValueOrDefault(id)} bytes are there: {job}");
    }

    private void Tell(string line)
    {
        output.WriteLine(line);
        TestContext.Current.SendDiagnosticMessage(line);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
