# Runs a build and tells its plain progress as a log: each step under its heading, its lines as it wrote them, and in the
# end, where it failed, one line that says which step, how, and with which last words.
use strict;
use warnings;

my %heading;    # of each vertex, by its number
my %last;       # the last line that it wrote
my ($pending, $open, $failed, $excerpt, $reason, $denied) = ('', '', '', 0, '', 0);
my $status_of_step;
my $advice = '';     # what to do about an image that is not to be had, where that is not the Dockerfile's matter
my @answers = ();    # what registries say and what it means, as headway.infra.docker.registries has it
# As the engine puts it: what a build has not may be called copy.sh.
my $asks = qr/(?:resolve (?:source metadata|image config|reference)|load metadata|do request|fetch (?:anonymous|oauth) token)\b|(?:authorize|copy):/;
my $of_registry = qr/failed to $asks|\bhttpReadSeeker:|unexpected status from|pull access denied|\boci distribution/;
my $hushed = 0;

pipe(my $from, my $to) or die "pipe: $!\n";
my $child = fork;
die "fork: $!\n" unless defined $child;
if ($child == 0) {
    close $from;
    open STDERR, '>&', $to or exit 127;
    no warnings 'exec';
    exec { $ARGV[0] } @ARGV or print STDERR "ERROR: $ARGV[0]: $!\n";
    exit 127;
}
close $to;
open STDIN, '<', '/dev/null' or die "stdin: $!\n";
$| = 1;

my ($left, $bits) = ('', '');
vec($bits, fileno $from, 1) = 1;
while (1) {
    # A heading waits a moment for the word that it was cached.
    my $ready = select(my $seen = $bits, undef, undef, $pending eq '' ? undef : 0.1);
    if (!$ready) { show(); next }
    my $count = sysread $from, $left, 65536, length $left;
    last unless $count;
    tell_line($1) while $left =~ s/\A([^\n]*)\n//;
}
tell_line($left) if $left ne '';
show();
waitpid $child, 0;
my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
print conclusion() if $status;
leave_word() if $status && $denied;
exit($status && $status_of_step ? $status_of_step : $status);

sub tell_line {
    my ($line) = @_;
    if ($line =~ /\A#(\d+) (.*)\z/s) { $hushed = 0; vertex($1, $2); return }
    if ($line eq '------') { $excerpt = !$excerpt; return }    # the last lines of a step once more
    if ($line =~ s/\AERROR: (failed to solve: )?//) {
        $reason = refusal($line) // unfetched($line) // $line;
        ($excerpt, $hushed) = (0, $line =~ $of_registry);
        return;
    }
    return if $advice ne '';    # of a Dockerfile that nobody has written
    return if $excerpt || $hushed || $line eq '';    # where a registry speaks, what follows may be its words too
    show();
    print "$line\n";
}

sub vertex {
    my ($number, $text) = @_;
    if ($text =~ /\A\d+\.\d+ ?(.*)\z/s) { output($number, $1) }
    elsif ($text eq 'CACHED') { cached() if $pending eq $number }
    elsif ($text =~ /\AERROR: (.*)\z/s) { broken($number, $1) }
    elsif ($text =~ /\A(DONE|CANCELED)/) { show() if $pending eq $number }
    elsif (!exists $heading{$number}) {
        show();
        $text =~ s{\A\[[^\]]*\] RUN --mount=.* \["/headway/phase/([^"]+)"\]\z}{$1};    # of a plan
        $heading{$number} = $text;
        ($pending, $open) = ($number, '') if told($number);
    }
}

sub output {
    my ($number, $line) = @_;
    show();
    print "$heading{$number} goes on\n" if $open ne $number && told($number) && exists $last{$number};
    $open = $number;
    $last{$number} = $line if $line =~ /\S/;
    print "$line\n";
}

sub cached {
    print "$heading{$pending} (cached)\n";
    $pending = '';
}

sub broken {
    my ($number, $why) = @_;
    show();
    $hushed = $why =~ $of_registry;
    $failed = $number if $why !~ /context canceled/;
    $status_of_step = $1 if $why =~ /did not complete successfully: exit code: (\d+)\z/ && $1 < 256;
}

# What Docker does for itself is no news.
sub told {
    return ($heading{ $_[0] } // '') !~ m{\A\[internal\]|\Abuilding with |\Aresolve |\] COPY --chmod=0555 <<HEADWAY_\w+ /headway/|/headway/account"\]\z};
}

sub show {
    return if $pending eq '';
    print "$heading{$pending}\n";
    ($open, $pending) = ($pending, '');
    $last{$open} //= '';
}

# What the engine was told not to fetch, in words that say what to do instead.
sub refusal {
    my ($said) = @_;
    return unless $said =~ /source "([^"]*)" denied by policy/;
    my $source = $1;
    my $given = 'or have engineFetch set by who may use the machine.';
    if ($source !~ s/\Adocker-image:\/\///) {
        $denied = 1;
        return "The build wants the engine to fetch $source on the machine's own network, which is not for builds. Fetch it "
            . "in a step (RUN curl, wget, git), $given";
    }
    if ($source =~ /\A(localhost|[^\/]*\.localhost|127\.|0|\d+[:\/]|169\.254\.|\[)/) {
        $denied = 1;
        return "The build wants $source from a registry on the machine's own network, which is not for builds. Give the "
            . "service that registry (registryId, registryIds), $given";
    }
    return "The build wants the image $source, which is a release of a service here: no build begins with one or copies "
        . 'from it. Take it to a registry under another name.';
}

# What a registry says, or the engine about one, in known words: its own would be read by whoever named it.
sub unfetched {
    my ($said) = @_;
    return if $said =~ /\Aprocess "/ || $said !~ $of_registry;
    my $name = $said =~ /source metadata for (\S+): / ? "The image $1" : 'An image of the build';
    my $why = 'it does not answer as a registry does';
    for my $answer (@answers) {
        if ($said =~ /$answer->[0]/i) { $why = $answer->[1]; last }
    }
    return "$name cannot be fetched from its registry: $why. $advice" if $advice ne '';
    return "$name cannot be fetched from its registry: $why. Look at its name (FROM, COPY --from), and give the service that "
        . 'registry (registryId, registryIds) where it asks for a user.';
}

# For whoever may let it fetch that: a file where no step of the build can write.
sub leave_word {
    my $folder = $ENV{DOCKER_CONFIG} // return;
    open my $word, '>', "$folder/denied" or return;
    close $word;
}

sub conclusion {
    return "$reason\n" unless $failed ne '' && $status_of_step;
    my $said = $last{$failed} // '';
    return "$heading{$failed} ended with exit status $status_of_step" . ($said eq '' ? '' : ": $said") . "\n";
}
