# The runs of the server: the epochs in force, what anchors kept in their folders, and ending what a run left behind.
package Headway::Runs;

use strict;

my ( $LOCK_SH, $LOCK_EX, $LOCK_NB, $LOCK_UN ) = ( 1, 2, 4, 8 );
my ( $RDWR, $CREAT ) = ( 2, 0100 );
my $SWEEP_SECONDS   = 20;
my $LEAVING_SECONDS = 5;

sub boot_id {
    my ($id) = Headway::Cgroups::slurp( $ENV{HEADWAY_BOOT_ID_FILE} // '/proc/sys/kernel/random/boot_id' ) =~ /^(\S+)/;
    return $id // '';
}

# The opened and locked file of an epoch, undef while somebody else holds it.
sub lock_epoch {
    my ( $file, $kind ) = @_;
    sysopen my $held, $file, $RDWR | $CREAT, 0600 or die "cannot open $file: $!\n";
    return if !flock( $held, $kind | $LOCK_NB ) || !( stat $held )[3];
    return $held;
}

sub epoch_in {
    my ($held) = @_;
    sysseek $held, 0, 0;
    sysread $held, my $text, 32;
    return $text && $text =~ /(\d+)/ ? $1 + 0 : 0;
}

# Puts an epoch in force: the one that is in force then, undef while it is held.
sub raise {
    my ( $file, $epoch, $durable ) = @_;
    my $held    = lock_epoch( $file, $LOCK_EX ) or return;
    my $current = epoch_in($held);
    if ( $current < $epoch ) {
        sysseek $held, 0, 0;
        syswrite $held, sprintf "%020d\n", $epoch;
        $current = $epoch;
    }
    if ($durable) {
        Headway::Kernel::sync_file($held);
        my ($folder) = $file =~ m{^(.*)/};
        Headway::Kernel::sync_folder($folder);
    }
    return $current;
}

# Holds an epoch still: the file and the epoch in force, nothing while it is being changed.
sub hold {
    my ($file) = @_;
    my $held = lock_epoch( $file, $LOCK_SH ) or return;
    return ( $held, epoch_in($held) );
}

# A child that was just forked holds the same lock until it ends, unless it is given up in so many words.
sub release {
    my ($held) = @_;
    flock $held, $LOCK_UN;
    close $held;
    return;
}

sub current {
    my ($file) = @_;
    my ($number) = Headway::Cgroups::slurp($file) =~ /(\d+)/;
    return ( $number // 0 ) + 0;
}

# Forgets epochs that have not changed for so long that no panel can be asleep in the middle of their run.
sub prune {
    my ( $folder, $seconds ) = @_;
    opendir my $entries, $folder or return;
    for my $name ( grep { !/^\./ } readdir $entries ) {
        my $changed = ( stat "$folder/$name" )[9] // next;
        next if $changed >= time - $seconds;
        my $held = lock_epoch( "$folder/$name", $LOCK_EX ) or next;
        unlink "$folder/$name";
    }
    return;
}

sub read_spool {
    my ( $folder, $offset, $limit ) = @_;
    my $bytes = '';
    open my $spool, '<', "$folder/spool" or return $bytes;
    sysseek $spool, $offset, 0;
    sysread $spool, $bytes, $limit;
    return $bytes;
}

# The recorded ends: file name and record by turns.
sub exits {
    my ($folder) = @_;
    opendir my $entries, "$folder/exits" or return;
    return map { ( $_, Headway::Cgroups::slurp("$folder/exits/$_") ) } grep { /\.exit$/ } readdir $entries;
}

# What became of an anchor: `alive`, `never_started` or `gone`, and its last words.
sub look {
    my ( $folder, $pid, $start ) = @_;
    my $process = Headway::Processes::look_surely($pid);
    return 'alive' if $process && $process->{start} == $start && !$process->{dead};
    return 'never_started' if -e "$folder/never_started" || ( -d $folder && !-e "$folder/started" );
    my ($words) = Headway::Cgroups::slurp("$folder/anchor.err") =~ /([^\n]+)\n*\z/;
    return ( 'gone', $words // '' );
}

sub await_death {
    my ( $pid, $start, $seconds ) = @_;
    my $deadline = Headway::Kernel::now() + $seconds;
    my $pause    = 0.0005;
    while ( my $process = Headway::Processes::look_surely($pid) ) {
        return 1 if $process->{start} != $start || $process->{dead};
        return 0 if Headway::Kernel::now() > $deadline;
        select undef, undef, undef, $pause;
        $pause = 2 * $pause < 0.02 ? 2 * $pause : 0.02;
    }
    return 1;
}

# Ends every process that a run whose anchor is gone left behind: `ok`, `alive` (the anchor) or `stays`. Its marks are
# anybody's to choose: where its groups `hold` all that is the run's, what is in others of ours is none of it.
sub sweep {
    my ( $folder, $pid, $start, $deployment, $epoch, $hold, @groups ) = @_;
    return 'alive' if !await_death( $pid, $start, $LEAVING_SECONDS );
    my @marks = ( "HEADWAY_DEPLOYMENT_ID=$deployment", "HEADWAY_EPOCH=$epoch" );
    my @noted = noted_groups($folder);
    my %ours  = map { $_ => 1 } @groups;
    my ($run) = map { m{(headway/[^/]+/[^/]+)$} } $hold && ( !@noted || grep { $ours{$_} } @noted ) ? @groups : ();
    my $ended = Headway::Trees::end_all( $SWEEP_SECONDS, groups_of( $folder, @groups ) );
    return end_among( $run, @marks ) && $ended ? 'ok' : 'stays';
}

# Kills every process that has all the marks in its environment, and all below such a process, until none is left.
sub end_marked {
    return end_among( undef, @_ );
}

# The same, of those that can be of the run whose group is called so, where one is given.
sub end_among {
    my ( $run, @marks ) = @_;
    my $deadline = Headway::Kernel::now() + $SWEEP_SECONDS;
    while (1) {
        my ( %stopped, %found );
        for ( 1 .. 50 ) {
            %found = marked(@marks);
            delete @found{ grep { !could_be_of( $_, $run ) } keys %found } if defined $run;
            my @new = grep { !$stopped{"$_ $found{$_}{start}"}++ } keys %found;
            last if !@new;
            Headway::Processes::signal( STOP => $_, $found{$_}{start} ) for @new;
        }
        return 1 if !%found;
        Headway::Processes::signal( KILL => $_, $found{$_}{start} ) for keys %found;
        return 0 if Headway::Kernel::now() > $deadline;
        select undef, undef, undef, 0.002;
    }
}

sub marked {
    my (@marks) = @_;
    my $table = Headway::Processes::table();
    my @roots = grep { !$table->{$_}{bare} && Headway::Processes::carries( $_, @marks ) } keys %$table;
    my @found = Headway::Processes::with_descendants( $table, @roots );
    return map { $_ => $table->{$_} } grep { !$table->{$_}{dead} } @found;
}

# Whether a process can be of a run whose groups hold all of it: see could_hold in infra/hosts/cgroups.py.
sub could_be_of {
    my ( $pid, $run ) = @_;
    my $folder = Headway::Processes::folder_of($pid);
    my %own    = Headway::Trees::own_groups();
    my @inside;
    for my $line ( split /\n/, Headway::Cgroups::slurp("$folder/cgroup") ) {
        my ( undef, $controllers, $path ) = split /:/, $line, 3;
        my $above = ( $own{ ( split /,/, $controllers )[0] // '' } // '' ) . '/';
        $above =~ s{/+$}{/};
        $path .= '/';
        $path = '/' . substr $path, length $above if index( $path, $above ) == 0;
        push @inside, $path if $path =~ m{/headway/};
    }
    return scalar grep { m{/\Q$run\E/} } @inside if @inside;
    return ( readlink("$folder/ns/pid") // '' ) eq ( readlink('/proc/self/ns/pid') // '?' );
}

# Removes what a run leaves: first its groups, last the folder by which it would be found again.
sub tidy {
    my ( $folder, @groups ) = @_;
    Headway::Trees::remove( groups_of( $folder, @groups ) );
    system 'rm', '-rf', '--', $folder;
    return;
}

# The run's groups: those that its anchor noted, and those where ours would be.
sub groups_of {
    my ( $folder, @ours ) = @_;
    my %seen;
    return grep { $_ ne '' && !$seen{$_}++ && -d } noted_groups($folder), @ours;
}

sub noted_groups {
    my ($folder) = @_;
    return grep { m{^/} } split /\n/, Headway::Cgroups::slurp("$folder/cgroups");
}

# Every run that has a folder or a group: its name, pid, start time and boot id by turns.
sub remaining {
    my ( $runs, @trees ) = @_;
    my %names;
    for my $folder ( $runs, grep { $_ ne '' } @trees ) {
        opendir my $entries, $folder or next;
        $names{$_} = 1 for grep { /^[A-Za-z0-9_-]{1,64}\.\d{1,18}$/ && -d "$folder/$_" } readdir $entries;
    }
    return map {
        my ( $pid, $start, $boot ) = Headway::Cgroups::slurp("$runs/$_/handle") =~ /^(\d+) (\d+) (\S+)/;
        ( $_, $pid // 0, $start // 0, $boot // boot_id() )
    } sort keys %names;
}

1;
